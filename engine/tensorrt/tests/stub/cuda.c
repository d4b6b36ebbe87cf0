/* Stands in for NVIDIA's driver, as much of it as is asked before TensorRT is. */
#include <stddef.h>
#include <string.h>

#ifndef CUDA_INIT
#define CUDA_INIT 0
#endif
#ifndef CUDA_COUNT
#define CUDA_COUNT 1
#endif

int cuInit(unsigned flags) { (void) flags; return CUDA_INIT; }
int cuDeviceGetCount(int* count) { *count = CUDA_COUNT; return 0; }
int cuDriverGetVersion(int* version) { *version = 13020; return 0; }
int cuDeviceGet(int* device, int index) { *device = index; return 0; }
int cuDeviceGetName(char* name, int room, int device) { (void) device; strncpy(name, "NVIDIA Stub 5090", (size_t) room); return 0; }
int cuDeviceTotalMem_v2(size_t* bytes, int device) { (void) device; *bytes = (size_t) 32 << 30; return 0; }
int cuDeviceGetAttribute(int* value, int attribute, int device) { (void) device; *value = attribute == 75 ? 12 : 0; return 0; }
