/* The border between the addon and the MPI library, which is built against the MPI of the machine
 * (npx preresnet build --mpi) and opened at run time. No exception and no C++ type crosses it. */
#pragma once
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define PRERESNET_MPI_API_VERSION 1

typedef struct {
  char message[1024];
} preresnet_mpi_error;

/* As in communicator/engine.h. */
typedef enum {
  PRERESNET_MPI_ALL_GATHER,
  PRERESNET_MPI_ALL_TO_ALL,
  PRERESNET_MPI_BROADCAST,
  PRERESNET_MPI_ADD_UP
} preresnet_mpi_kind;

#define PRERESNET_MPI_CHANNELS 2

typedef struct preresnet_mpi_request preresnet_mpi_request;

/* Functions return 0, or 1 with *error filled in. One thread at a time calls them. */
typedef struct {
  size_t size;
  uint32_t version;
  /* MPI_Init_thread. library: of at least 256 bytes, gets MPI's name and version. */
  int (*open)(int32_t* rank, int32_t* ranks, char* library, size_t length, preresnet_mpi_error*);
  int (*start)(int32_t kind, int32_t channel, const void* mine, void* theirs, size_t bytes,
               preresnet_mpi_request**, preresnet_mpi_error*);
  /* Frees the request once *done is 1. */
  int (*finished)(preresnet_mpi_request*, int32_t* done, preresnet_mpi_error*);
  /* The bytes are copied. */
  int (*send)(int32_t to, const void* note, size_t bytes, preresnet_mpi_error*);
  int (*receive)(void* note, size_t bytes, int32_t* received, preresnet_mpi_error*);
  /* MPI_Finalize. */
  int (*close)(preresnet_mpi_error*);
} preresnet_mpi_api;

/* The only symbol. Null for a version that the library does not have. */
const preresnet_mpi_api* preresnet_mpi_get_api(uint32_t version);

#ifdef __cplusplus
}
#endif
