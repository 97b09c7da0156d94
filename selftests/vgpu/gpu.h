/* SPDX-License-Identifier: GPL-2.0 */
/* GPUs and slices for tests: short ways to the ioctls, to sysfs and to a slice's rings. */
#ifndef SELFTESTS_GPU_H
#define SELFTESTS_GPU_H

#include <fcntl.h>
#include <linux/vfio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <virtlite/vgpu.h>
#include <virtlite/vgpu_isa.h>

#include "test.h"
#include "vgpu_dev.h"

#define KIB	1024ULL
#define MIB	(1024 * KIB)
#define GIB	(1024 * MIB)
#define USEC	1000ULL
#define MSEC	1000000ULL
#define SECOND	1000000000ULL
#define MINUTES	60000		/* ms: longer than any test, which has a limit of its own */

#define BAR0	((uint64_t)VFIO_PCI_BAR0_REGION_INDEX << 40)
#define BAR2	((uint64_t)VFIO_PCI_BAR2_REGION_INDEX << 40)
#define BAR4	((uint64_t)VFIO_PCI_BAR4_REGION_INDEX << 40)
#define CONFIG	((uint64_t)VFIO_PCI_CONFIG_REGION_INDEX << 40)

int control(void);
void fresh(void);

struct vgpu_create gpu_args(void);
int try_create(struct vgpu_create *c);
int new_gpu(uint64_t vram, uint32_t policy, uint32_t clock, uint32_t engines);
int try_delete(int id, uint32_t flags);
struct vgpu_query query(int id);
int set_gpu(int id, uint32_t flags, struct vgpu_set s);
void pause_gpu(int id, bool paused);

const char *uuid_of(int n);
int try_add(int id, int of, int n);
int add(int id, int of, int n);
int try_remove(int n);
int available(int id, int of);
int set_slice(int id, int slice, uint32_t flags, struct vgpu_slice_set s);
struct vgpu_slice slice(int id, int nr);
struct vgpu_stats stats(int id, int nr, int engine);
int listen_to(int id);
bool next_event(int fd, uint32_t type, unsigned int ms, struct vgpu_event *e);
int attribute(int n, const char *name, const char *value);

void open_slice(struct vl_vgpu *d, int n);
void close_slice(struct vl_vgpu *d);
void *share(struct vl_vgpu *d, size_t bytes, uint64_t *iova);
void start(struct vl_vgpu *d, uint32_t q, uint32_t order);
void submit(struct vl_vgpu *d, uint32_t q, struct vgpu_cmd c);
uint32_t run(struct vl_vgpu *d, struct vgpu_cmd c);
uint32_t q_reg(struct vl_vgpu *d, uint32_t q, uint32_t reg);
bool q_until(struct vl_vgpu *d, uint32_t q, uint32_t reg, uint32_t value, unsigned int ms);

struct vgpu_cmd spin(uint64_t ns);
struct vgpu_cmd copy(uint64_t src, uint64_t dst, uint64_t bytes);

uint64_t now_ns(void);
void sleep_ms(unsigned int ms);
uint32_t rnd(uint32_t below);
void seed(uint64_t s);
int run_child(void (*fn)(void *), void *arg);

#endif
