/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VG_SLICE_H
#define VG_SLICE_H

#include <linux/mutex.h>
#include <linux/uuid.h>
#include <linux/vfio.h>
#include <linux/workqueue.h>
#include <virtlite/vgpu.h>

#include "config.h"
#include "display.h"
#include "limit.h"
#include "queue.h"

struct eventfd_ctx;
struct mdev_driver;
struct mdev_device;
struct vg_gpu;
struct vg_msg;
struct vg_scanout;
struct vg_vram;

/**
 * struct vg_settings - what VGPU_SLICE_SET can change
 *
 * The fields are those of struct vgpu_slice.
 */
struct vg_settings {
	u32 weight;
	u32 share;
	u32 priority;
	u32 doorbell_limit;
	u32 irq_limit;
	u32 fault_limit;
	u32 personality;
	u32 display;
	u32 width;
	u32 height;
	u64 carveout;
};

/* What a slice's user or guest can cause, and listeners are told of once a second. */
enum vg_said {
	VG_SAID_FAULT,
	VG_SAID_HANG,
	VG_SAID_RESET_USER,
	VG_SAID_RESET_GUEST,
	VG_SAID_RESET_HANG,
	VG_SAID_STORM_DOORBELL,
	VG_SAID_STORM_IRQ,
	VG_SAID_STORM_FAULT,
	VG_SAID_OPENED,
	VG_SAID_CLOSED,
	VG_SAID,
};

/**
 * struct vg_irq - interrupts of a slice, and the limits on what it does to its host
 * @lock: protects all that follows but @unmask; taken in interrupts, inside an
 *	engine's lock; an eventfd's own lock is taken inside
 * @status: VGPU_INTR_*
 * @enable: VGPU_INTR_*
 * @index: VFIO_PCI_INTX_IRQ_INDEX or VFIO_PCI_MSI_IRQ_INDEX, whose @trigger is
 * @trigger: eventfd, or NULL
 * @request: eventfd for "please let go", or NULL
 * @masked: INTx: sent, and not unmasked yet
 * @intx_off: Interrupt Disable in the command register
 * @pending: MSI: one is to be sent
 * @delayed: an interrupt was held up, and still is
 * @bell_delayed: a doorbell was
 * @unmask: eventfd that unmasks INTx; under the slice's lock
 * @irq_limit: interrupts
 * @bell_limit: doorbells
 * @faults: of commands
 * @said: what listeners were told, CLOCK_MONOTONIC
 * @resets: since open
 * @all_resets: and those that follow: for struct vgpu_stats
 * @bells: doorbells
 * @sent: interrupts
 * @bell_storms: see there
 * @irq_storms: see there
 * @fault_storms: see there
 */
struct vg_irq {
	spinlock_t lock;	/* registers, eventfds, limits */
	u32 status;
	u32 enable;
	u32 index;
	struct eventfd_ctx *trigger;
	struct eventfd_ctx *request;
	bool masked;
	bool intx_off;
	bool pending;
	bool delayed;
	bool bell_delayed;
	struct virqfd *unmask;
	struct vg_limit irq_limit;
	struct vg_limit bell_limit;
	struct vg_window faults;
	struct vg_seldom said[VG_SAID];
	u32 resets;
	u64 all_resets;
	u64 bells;
	u64 sent;
	u64 bell_storms;
	u64 irq_storms;
	u64 fault_storms;
};

/**
 * struct vg_slice - a mediated device
 * @vdev: for VFIO, which counts its users; freed with the last of them. Its parent
 *	device is the mediated device's, from probe to remove
 * @gpu: whose; a reference to it is held as long
 * @nr: number in the GPU
 * @seq: different from all others
 * @uuid: of the mediated device
 * @units: its type
 * @vram_bytes: its VRAM
 * @set: settings; under the GPU's lock, those that can change while it is open
 *	are applied to queues and limits at once
 * @removing: the mediated device is being removed; likewise
 * @open: likewise
 * @owner: who has it open, likewise
 * @vram: from open to close
 * @master: guest memory may be accessed: Bus Master Enable
 * @hangs: of its queues
 * @releases: of semaphores and fences by any queue, for those who wait
 * @time_hi: latched
 * @scratch: register
 * @lock: a mutex; protects what follows. No guest memory is accessed under it
 * @config: PCI configuration space
 * @disp: display registers
 * @scanout: what they show, of a slice with a display region; from open to close
 * @picture_id: number of the picture, for dma-bufs; 0: there was none since open
 * @picture: that has this number
 * @irq: interrupts and limits, with a lock of its own
 * @later: what was held up goes on
 * @quiet: listeners are told how many events were held back; from the slice's first event
 *	to its last
 * @hung: resets the other queues when one has hung
 * @queue: one for each engine of the GPU, protected by that one's lock
 */
struct vg_slice {
	struct vfio_device vdev;
	struct vg_gpu *gpu;
	int nr;
	u64 seq;
	guid_t uuid;
	u32 units;
	u64 vram_bytes;
	struct vg_settings set;
	bool removing;
	bool open;
	struct pid *owner;
	struct vg_vram *vram;
	bool master;
	atomic_t hangs;
	atomic_t releases;
	u32 time_hi;
	u32 scratch;
	struct mutex lock;	/* configuration and display */
	struct vg_config config;
	struct vg_display disp;
	struct vg_scanout *scanout;
	u32 picture_id;
	struct vg_picture picture;
	struct vg_irq irq;
	struct hrtimer later;
	struct hrtimer quiet;
	struct work_struct hung;
	struct vg_queue queue[VGPU_MAX_QUEUES];
};

extern struct mdev_driver vg_mdev_driver;
extern const struct attribute_group *vg_slice_groups[];
extern const struct vfio_device_ops vg_vfio_ops;

/* slice.c */
int vg_slice_set(struct vg_slice *s, const struct vgpu_slice_set *set, struct vg_msg *msg);
void vg_slice_describe(struct vg_slice *s, struct vgpu_slice *d);
int vg_slice_stats(struct vg_slice *s, struct vgpu_stats *st);

/* tenant.c: from open to close */
void vg_tenant_init(struct vg_slice *s);
int vg_tenant_open(struct vg_slice *s);
void vg_tenant_close(struct vg_slice *s);
int vg_tenant_reset(struct vg_slice *s);
int vg_guest_reset(struct vg_slice *s);
void vg_slice_reset(struct vg_slice *s, u32 why);
void vg_slice_hung(struct vg_slice *s, u32 queue);
void vg_slice_fault(struct vg_slice *s, u32 queue, u32 error);
bool vg_slice_rests(struct vg_slice *s);
bool vg_slice_doorbell(struct vg_slice *s);
void vg_slice_released(struct vg_slice *s);
void vg_slice_later(struct vg_slice *s, u64 ns);

/* irq.c */
void vg_irq_init(struct vg_irq *irq);
void vg_irq_raise(struct vg_slice *s, u32 causes);
void vg_irq_flush(struct vg_slice *s);
void vg_irq_ack(struct vg_slice *s, u32 causes);
void vg_irq_enable(struct vg_slice *s, u32 causes);
void vg_irq_intx_off(struct vg_slice *s, bool off);
bool vg_irq_level(struct vg_slice *s);
void vg_irq_reset(struct vg_slice *s);
void vg_irq_close(struct vg_slice *s);
void vg_irq_request(struct vg_slice *s);
u32 vg_irq_count(u32 index);
int vg_irq_set(struct vg_slice *s, const struct vfio_irq_set *set, const void *data);

/* regs.c */
u32 vg_regs_get(struct vg_slice *s, u32 off);
int vg_regs_set(struct vg_slice *s, u32 off, u32 value);

/* region.c */
ssize_t vg_region_read(struct vg_slice *s, char __user *buf, size_t len, loff_t pos);
ssize_t vg_region_write(struct vg_slice *s, const char __user *buf, size_t len, loff_t pos);
u32 vg_region_count(const struct vg_slice *s);
int vg_region_info(struct vg_slice *s, struct vfio_region_info *info);
bool vg_region_type(const struct vg_slice *s, u32 index, struct vfio_region_info_cap_type *cap);
int vg_region_mmap(struct vg_slice *s, struct vm_area_struct *vma);

#endif
