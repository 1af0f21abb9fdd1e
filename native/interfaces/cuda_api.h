/* The border between the addon and the CUDA library: a versioned table of C functions over plain
 * structs. No exception and no C++ type crosses it. The library is opened at run time with
 * RTLD_LOCAL and never closed; preresnet_cuda_emulated has the same table. Every struct begins with
 * its size, which the caller fills in. */
#pragma once
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define PRERESNET_CUDA_API_VERSION 7

/* Functions return 0, or 1 with *error filled in. `code` is one of lib/errors.ts. */
typedef struct {
  char code[32];
  char message[4064];
} preresnet_cuda_error;

/* What the library was built for and what the machine has. Versions are CUDA's and cuDNN's own
 * numbers, 0 where there is none. */
typedef struct {
  size_t size;
  int32_t emulated;
  int32_t built_for_runtime, runtime, driver;
  int32_t built_for_cudnn, cudnn;
  int32_t cudnn_frontend;
  int32_t devices;
  char architectures[64]; /* "80 90a 100 120" */
  char problem[512];      /* why no device can be used; empty where one can */
} preresnet_cuda_information;

typedef struct {
  size_t size;
  char name[128];
  int32_t architecture; /* 90 */
  int32_t multiprocessors;
  uint64_t memory, available; /* bytes */
} preresnet_cuda_device;

typedef struct {
  size_t size;
  uint64_t arenas, workspace, total, available; /* bytes of the device */
} preresnet_cuda_memory;

typedef struct {
  const uint8_t* images;  /* null where pixels were not asked for */
  const int32_t* indices; /* in the run's set, -1: an image of zeros; null where there is no set */
  const int32_t* labels;
  const int32_t* crops; /* may be null */
  const int32_t* mixes; /* may be null */
  int64_t count;
  uint64_t ticket;
} preresnet_cuda_batch;

typedef struct {
  size_t size;
  const char* program;
  int64_t steps;
  uint64_t seed, first_step;
  const double* learning_rates; /* one a step, or null */
  /* The images that batches are taken from, where they lie in memory as a whole. `set`: a number of
   * this memory and no other, 0: there is no set. */
  uint64_t set;
  const uint8_t* set_images;
  int64_t set_count;
  /* Batches, or null. acquire returns 1 with a batch, 0 when there is none, -1 with *error filled
   * in. pixels: whether the batch's images are wanted, beside its indices. */
  void* source;
  int (*acquire)(void* source, uint64_t index, int32_t pixels, preresnet_cuda_batch*,
                 preresnet_cuda_error*);
  void (*release)(void* source, uint64_t ticket);
  uint64_t first_batch;
  int32_t check_finite, poison, trace;
  int32_t serial;  /* with trace: each operation waits for the one before, whatever their streams */
  int32_t collect; /* hand predictions and labels to completed */
  /* Asked between steps; not 0 ends the run with what is complete. */
  void* owner;
  int (*canceled)(void* owner);
  /* After each step, in order: 6 values (sum of losses, counted, top-1, top-5, seconds waited,
   * seconds run), and with `collect` the count of predictions and labels where the program has them
   * (else null). */
  void (*completed)(void* owner, const double row[6], const int32_t* predictions,
                    const int32_t* labels, int64_t count);
  int32_t was_canceled; /* out */
} preresnet_cuda_run;

/* An inference: pixels to the device, a step of a program without labels and crops, outputs back.
 * At most PRERESNET_CUDA_INFERENCES are under way, and are ended in the order in which they began.
 */
#define PRERESNET_CUDA_INFERENCES 2
typedef struct {
  size_t size;
  const char* program;
  const uint8_t* const* images; /* [count], each as large as the program's; read until begun */
  int64_t count;                /* at most the program's batch, whose rest is not looked at */
  const char* const* outputs;   /* names of different tensors, all of that program */
  int64_t output_count;
} preresnet_cuda_inference;

typedef struct {
  int32_t program, operation; /* indices in the program set */
  double start, duration;     /* microseconds */
} preresnet_cuda_event;

/* What a step was seen to do: launches, and the bytes that their operands take. */
typedef struct {
  size_t size;
  int64_t launches, convolution_launches, waits;
  uint64_t bytes_read, bytes_written;
} preresnet_cuda_bytes_moved;

/* Rates a second that no program of this device exceeds by much. */
typedef struct {
  size_t size;
  double flops; /* of a large matrix product in the session's arithmetic */
  double bytes; /* read and written by large copies */
} preresnet_cuda_roofline;

typedef struct preresnet_cuda_session preresnet_cuda_session;

typedef struct {
  size_t size;
  uint32_t version;
  int (*information)(preresnet_cuda_information*, preresnet_cuda_error*);
  int (*device)(int32_t index, preresnet_cuda_device*, preresnet_cuda_error*);
  /* programs: the JSON of a program set. settings: a JSON object, whose keys are those of
   * native/cuda/settings.cpp. Reads and verifies the programs, prepares every operation; `stop` is
   * asked now and then. */
  int (*open)(const char* programs, size_t length, const char* settings, size_t settings_length,
              int (*stop)(void*), void* owner, preresnet_cuda_session**, preresnet_cuda_error*);
  int (*memory)(preresnet_cuda_session*, preresnet_cuda_memory*, preresnet_cuda_error*);
  int (*allocate)(preresnet_cuda_session*, preresnet_cuda_error*);
  /* The bytes of a persistent tensor as it lies in memory. */
  int (*read)(preresnet_cuda_session*, const char* tensor, void* bytes, size_t length,
              preresnet_cuda_error*);
  int (*write)(preresnet_cuda_session*, const char* tensor, const void* bytes, size_t length,
               preresnet_cuda_error*);
  int (*run)(preresnet_cuda_session*, preresnet_cuda_run*, preresnet_cuda_error*);
  int (*begin_inference)(preresnet_cuda_session*, const preresnet_cuda_inference*,
                         preresnet_cuda_error*);
  /* Of the oldest inference under way: whether it is *over, for which `wait` waits. Each output is
   * copied to its target then, as it lies in memory. After an error it is no longer under way. */
  int (*end_inference)(preresnet_cuda_session*, int32_t wait, void* const* targets, int32_t* over,
                       preresnet_cuda_error*);
  /* Of the last run with trace: writes at most `most` events, returns how many there are. */
  size_t (*trace)(preresnet_cuda_session*, preresnet_cuda_event*, size_t most);
  int (*bytes_moved)(preresnet_cuda_session*, const char* program, preresnet_cuda_bytes_moved*,
                     preresnet_cuda_error*);
  /* Takes memory of its own while it measures. */
  int (*roofline)(preresnet_cuda_session*, preresnet_cuda_roofline*, preresnet_cuda_error*);
  void (*close)(preresnet_cuda_session*);
} preresnet_cuda_api;

/* The only symbol. Null for a version that the library does not have. */
const preresnet_cuda_api* preresnet_cuda_get_api(uint32_t version);

#ifdef __cplusplus
}
#endif
