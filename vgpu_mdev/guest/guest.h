/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VGG_GUEST_H
#define VGG_GUEST_H

#include <linux/atomic.h>
#include <linux/interrupt.h>
#include <linux/io.h>
#include <linux/kref.h>
#include <linux/list.h>
#include <linux/miscdevice.h>
#include <linux/mutex.h>
#include <linux/spinlock.h>
#include <linux/wait.h>
#include <virtlite/vgpu_guest.h>
#include <virtlite/vgpu_isa.h>

struct address_space;
struct page;
struct pci_dev;
struct vgg_file;
struct vm_area_struct;

/**
 * struct vgg_buffer - memory that a program and the slice share
 * @node: in the file's list
 * @vram_node: in the device's list, by address; of one in VRAM
 * @file: whose; lives as long
 * @addr: in commands, as the program gives it
 * @offset: of mmap()
 * @bytes: whole pages
 * @device_addr: in commands, as the device gets it
 * @page: its first, of one in memory; NULL when the device is gone
 * @ready: can be used
 * @maps: areas that map it
 *
 * Made and freed under the device's lock. It is not freed while an area maps it: an
 * area holds its file, and VGPU_GUEST_FREE looks at @maps, which grows from 0 only under
 * the device's lock. Its memory is given back earlier if the device goes.
 */
struct vgg_buffer {
	struct list_head node;
	struct list_head vram_node;
	struct vgg_file *file;
	u64 addr;
	u64 offset;
	u64 bytes;
	u64 device_addr;
	struct page *page;
	bool ready;
	atomic_t maps;
};

/**
 * struct vgg_queue - a queue of the slice
 * @dev: whose; contains it
 * @nr: which
 * @owner: file that has started it, or NULL; this, @ring and @put under the device's lock
 * @ring: commands; written here, never read back
 * @ring_dma: where the device sees it
 * @order: log2 of its commands
 * @put: commands written
 * @quiet: has been reset since it halted; as @put, under the device's lock
 * @lock: spinlock, interrupts off; protects what follows, and the registers of the queue
 *	that latch. Nothing is taken inside but the wait queue's own
 * @running: set up; else the device's word is not asked for
 * @epoch: grows each time it is set up or taken away
 * @seq: last job
 * @done: last job that is done
 * @error: VGPU_ERR_* that halted it
 * @commands: done when it halted
 * @broken: it has answered nonsense
 * @wait: of those who wait for any of that
 */
struct vgg_queue {
	struct vgg_device *dev;
	u32 nr;
	struct vgg_file *owner;
	struct vgpu_cmd *ring;
	dma_addr_t ring_dma;
	u32 order;
	u32 put;
	bool quiet;
	spinlock_t lock;	/* what the device has said */
	bool running;
	u32 epoch;
	u64 seq;
	u64 done;
	u32 error;
	u64 commands;
	bool broken;
	wait_queue_head_t wait;
};

/**
 * struct vgg_device - a slice
 * @ref: the driver holds one from probe to remove, each open file another; freed with
 *	the last
 * @pci: valid while not @gone, as are @regs and @vram: who uses them holds @lock, or is
 *	the interrupt
 * @regs: BAR 4
 * @vram: BAR 0
 * @vram_phys: its address
 * @vram_bytes: its size
 * @version: VGPU_REG_VERSION
 * @features: VGPU_HAS_*
 * @nr_queues: how many
 * @nr: N of /dev/vgpu_guestN
 * @misc: that node
 * @name: its name
 * @lock: a mutex; protects what follows, buffers, and owners and rings of queues. No
 *	memory of a program is touched under it; it is taken inside mmap_lock. A queue's
 *	lock may be taken inside
 * @gone: the driver has let go
 * @files: that are open
 * @used: buffers in VRAM, by address
 * @queue: queues
 */
struct vgg_device {
	struct kref ref;
	struct pci_dev *pci;
	void __iomem *regs;
	void __iomem *vram;
	phys_addr_t vram_phys;
	u64 vram_bytes;
	u32 version;
	u32 features;
	u32 nr_queues;
	int nr;
	struct miscdevice misc;
	char name[24];
	struct mutex lock;	/* buffers, owners of queues */
	bool gone;
	struct list_head files;
	struct list_head used;
	struct vgg_queue queue[VGPU_MAX_QUEUES];
};

/**
 * struct vgg_file - an open file
 * @dev: device; a reference is held
 * @node: in its list
 * @mapping: of the node, to take its mappings away
 * @buffers: its own; under the device's lock, as what follows
 * @nr_buffers: how many
 * @next: address of the next one in memory
 */
struct vgg_file {
	struct vgg_device *dev;
	struct list_head node;
	struct address_space *mapping;
	struct list_head buffers;
	u32 nr_buffers;
	u64 next;
};

static inline u32 vgg_read(struct vgg_device *dev, u32 reg)
{
	return readl(dev->regs + reg);
}

static inline void vgg_write(struct vgg_device *dev, u32 reg, u32 value)
{
	writel(value, dev->regs + reg);
}

/* main.c */
void vgg_put(struct vgg_device *dev);

/* file.c */
extern const struct file_operations vgg_fops;

/* buffer.c */
int vgg_alloc(struct vgg_file *f, struct vgpu_guest_alloc *a);
int vgg_free(struct vgg_file *f, u64 addr);
void vgg_free_all(struct vgg_file *f);
void vgg_give_back(struct vgg_file *f);
int vgg_translate(void *file, u64 *addr, u64 bytes);
u64 vgg_vram_free(struct vgg_device *dev);
int vgg_mmap(struct vgg_file *f, struct vm_area_struct *vma);

/* queue.c */
void vgg_queue_init(struct vgg_queue *q, struct vgg_device *dev, u32 nr);
int vgg_start(struct vgg_file *f, struct vgpu_guest_start *s);
int vgg_submit(struct vgg_file *f, struct vgpu_guest_submit *s);
int vgg_wait(struct vgg_file *f, struct vgpu_guest_wait *w);
bool vgg_has_work(struct vgg_file *f);
void vgg_stop_all(struct vgg_file *f);
void vgg_queue_gone(struct vgg_queue *q);
irqreturn_t vgg_interrupt(int irq, void *data);

#endif
