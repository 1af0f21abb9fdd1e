// preresnet_mpi.so: the table of interfaces/mpi_api.h over whatever MPI the machine has. Only what
// MPI 3.1 has, by its C functions.
#define OMPI_SKIP_MPICXX 1
#define MPICH_SKIP_MPICXX 1
#include <mpi.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <vector>

#include "interfaces/mpi_api.h"

struct preresnet_mpi_request {
  MPI_Request request;
};

namespace {

constexpr int kNoteTag = 1;

struct Sent {
  std::vector<char> bytes;
  MPI_Request request = MPI_REQUEST_NULL;
};

struct {
  MPI_Comm channels[PRERESNET_MPI_CHANNELS];
  MPI_Comm notes;
  std::deque<Sent> sent;  // until MPI has sent them
} state;

int failed(int code, const char* call, preresnet_mpi_error* error) {
  if (code == MPI_SUCCESS) return 0;
  char text[MPI_MAX_ERROR_STRING] = "";
  int length = 0;
  MPI_Error_string(code, text, &length);
  std::snprintf(error->message, sizeof error->message, "%s: %.*s", call, length, text);
  return 1;
}

#define PRERESNET_TRY(call)                          \
  do {                                               \
    if (failed((call), #call, error) != 0) return 1; \
  } while (false)

int open(int32_t* rank, int32_t* ranks, char* library, size_t length, preresnet_mpi_error* error) {
  int provided = 0, number = 0, count = 0;
  PRERESNET_TRY(MPI_Init_thread(nullptr, nullptr, MPI_THREAD_SERIALIZED, &provided));
  if (provided < MPI_THREAD_SERIALIZED) {
    std::snprintf(error->message, sizeof error->message,
                  "expected an MPI that several threads may call in turn, got level %d", provided);
    return 1;
  }
  // What fails is said by whoever made the call, and ends no process by itself.
  PRERESNET_TRY(MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN));
  PRERESNET_TRY(MPI_Comm_rank(MPI_COMM_WORLD, &number));
  PRERESNET_TRY(MPI_Comm_size(MPI_COMM_WORLD, &count));
  for (MPI_Comm& channel : state.channels) PRERESNET_TRY(MPI_Comm_dup(MPI_COMM_WORLD, &channel));
  PRERESNET_TRY(MPI_Comm_dup(MPI_COMM_WORLD, &state.notes));
  char version[MPI_MAX_LIBRARY_VERSION_STRING] = "";
  int characters = 0;
  PRERESNET_TRY(MPI_Get_library_version(version, &characters));
  // What stands before the first comma says which it is: "Open MPI v4.1.4, package: ...".
  version[std::strcspn(version, ",\n")] = '\0';
  std::snprintf(library, length, "%s", version);
  *rank = number;
  *ranks = count;
  return 0;
}

int start(int32_t kind, int32_t channel, const void* mine, void* theirs, size_t bytes,
          preresnet_mpi_request** started, preresnet_mpi_error* error) {
  auto made = new preresnet_mpi_request{MPI_REQUEST_NULL};
  MPI_Comm comm = state.channels[channel];
  const int count = static_cast<int>(bytes);
  int code = MPI_SUCCESS;
  switch (kind) {
    case PRERESNET_MPI_ALL_GATHER:
      code = MPI_Iallgather(mine, count, MPI_BYTE, theirs, count, MPI_BYTE, comm, &made->request);
      break;
    case PRERESNET_MPI_ALL_TO_ALL:
      code = MPI_Ialltoall(mine, count, MPI_BYTE, theirs, count, MPI_BYTE, comm, &made->request);
      break;
    case PRERESNET_MPI_BROADCAST:
      code = MPI_Ibcast(theirs, count, MPI_BYTE, 0, comm, &made->request);
      break;
    default:
      code = MPI_Iallreduce(MPI_IN_PLACE, theirs, count / static_cast<int>(sizeof(float)),
                            MPI_FLOAT, MPI_SUM, comm, &made->request);
  }
  if (failed(code, "a collective of MPI", error) != 0) {
    delete made;
    return 1;
  }
  *started = made;
  return 0;
}

int finished(preresnet_mpi_request* request, int32_t* done, preresnet_mpi_error* error) {
  int complete = 0;
  PRERESNET_TRY(MPI_Test(&request->request, &complete, MPI_STATUS_IGNORE));
  if (complete != 0) delete request;
  *done = complete;
  return 0;
}

int send(int32_t to, const void* note, size_t bytes, preresnet_mpi_error* error) {
  for (auto sent = state.sent.begin(); sent != state.sent.end();) {
    int complete = 0;
    PRERESNET_TRY(MPI_Test(&sent->request, &complete, MPI_STATUS_IGNORE));
    sent = complete != 0 ? state.sent.erase(sent) : sent + 1;
  }
  Sent& sent = state.sent.emplace_back();
  const char* from = static_cast<const char*>(note);
  sent.bytes.assign(from, from + bytes);
  PRERESNET_TRY(MPI_Isend(sent.bytes.data(), static_cast<int>(bytes), MPI_BYTE, to, kNoteTag,
                          state.notes, &sent.request));
  return 0;
}

int receive(void* note, size_t bytes, int32_t* received, preresnet_mpi_error* error) {
  int there = 0;
  MPI_Status status;
  PRERESNET_TRY(MPI_Iprobe(MPI_ANY_SOURCE, kNoteTag, state.notes, &there, &status));
  *received = there;
  if (there == 0) return 0;
  PRERESNET_TRY(MPI_Recv(note, static_cast<int>(bytes), MPI_BYTE, status.MPI_SOURCE, kNoteTag,
                         state.notes, MPI_STATUS_IGNORE));
  return 0;
}

int close(preresnet_mpi_error* error) {
  for (Sent& sent : state.sent) PRERESNET_TRY(MPI_Wait(&sent.request, MPI_STATUS_IGNORE));
  PRERESNET_TRY(MPI_Finalize());
  return 0;
}

constexpr preresnet_mpi_api kApi = {sizeof(preresnet_mpi_api),
                                    PRERESNET_MPI_API_VERSION,
                                    open,
                                    start,
                                    finished,
                                    send,
                                    receive,
                                    close};

}  // namespace

extern "C" __attribute__((visibility("default"))) const preresnet_mpi_api* preresnet_mpi_get_api(
    uint32_t version) {
  return version == PRERESNET_MPI_API_VERSION ? &kApi : nullptr;
}
