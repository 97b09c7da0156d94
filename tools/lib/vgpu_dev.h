/* SPDX-License-Identifier: GPL-2.0 */
/*
 * libvirtlite, a user-space driver for a slice of a GPU: map memory, submit commands,
 * wait. On the host it has the device by VFIO; inside a guest by vgpu_guest, which has
 * no registers for programs, and memory of its own. It is written from
 * Documentation/vgpu-isa.rst. Negative results are -errno; vl_message() in virtlite.h
 * says more.
 */
#ifndef VIRTLITE_LIB_VGPU_DEV_H
#define VIRTLITE_LIB_VGPU_DEV_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <virtlite/vgpu_isa.h>

/**
 * struct vl_vgpu_queue - a queue in use
 * @ring: its commands, or NULL; in a guest those that the doorbell is to tell of
 * @iova: where the device sees them
 * @order: log2 of how many
 * @put: commands written; in a guest since the doorbell
 * @fence: value of the last FENCE of vl_vgpu_finish(); in a guest number of the last job
 * @commands: in a guest: given to the driver
 * @error: in a guest: VGPU_ERR_*
 * @failed: in a guest: the command that has failed with that
 */
struct vl_vgpu_queue {
	struct vgpu_cmd *ring;
	__u64 iova;
	__u32 order;
	__u32 put;
	__u64 fence;
	__u64 commands;
	__u32 error;
	__u64 failed;
};

/**
 * struct vl_vgpu - a slice that is open
 * @guest: by vgpu_guest
 * @device: VFIO device, or node of vgpu_guest
 * @group: VFIO group, or -1 with iommufd
 * @container: VFIO container, or the iommufd
 * @ioas: address space of the iommufd
 * @irq: eventfd of its MSI
 * @vram: BAR 0, mapped; in a guest NULL
 * @vram_bytes: its size
 * @queues: how many there are
 * @next: guest address that vl_vgpu_alloc() uses next
 * @q: queues
 */
struct vl_vgpu {
	bool guest;
	int device;
	int group;
	int container;
	__u32 ioas;
	int irq;
	__u8 *vram;
	__u64 vram_bytes;
	__u32 queues;
	__u64 next;
	struct vl_vgpu_queue q[VGPU_MAX_QUEUES];
};

#define VL_VGPU_IOMMUFD		1	/* not the VFIO container */

int vl_vgpu_dev_open(struct vl_vgpu *d, const char *name, unsigned int flags);
void vl_vgpu_dev_close(struct vl_vgpu *d);

__u64 vl_vgpu_region(struct vl_vgpu *d, __u32 index, __u64 *size);
__u32 vl_vgpu_read(struct vl_vgpu *d, __u32 reg);
void vl_vgpu_write(struct vl_vgpu *d, __u32 reg, __u32 value);
int vl_vgpu_config(struct vl_vgpu *d, __u32 off, void *buf, size_t len, bool write);

int vl_vgpu_map(struct vl_vgpu *d, void *mem, size_t bytes, __u64 iova, bool writable);
int vl_vgpu_unmap(struct vl_vgpu *d, __u64 iova, size_t bytes);
void *vl_vgpu_alloc(struct vl_vgpu *d, size_t bytes, __u64 *iova);
void *vl_vgpu_vram(struct vl_vgpu *d, size_t bytes, __u64 *offset);

int vl_vgpu_start(struct vl_vgpu *d, __u32 q, __u32 order);
int vl_vgpu_submit(struct vl_vgpu *d, __u32 q, const struct vgpu_cmd *c);
void vl_vgpu_doorbell(struct vl_vgpu *d, __u32 q);
int vl_vgpu_finish(struct vl_vgpu *d, __u32 q, int timeout_ms);
__u32 vl_vgpu_error(struct vl_vgpu *d, __u32 q, __u64 *command);

#endif
