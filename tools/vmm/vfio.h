/* SPDX-License-Identifier: GPL-2.0 */
/*
 * PCI devices of the host in the guest, by VFIO. The device's registers and
 * memory are the guest's own; what names an address or an interrupt of the
 * machine (BARs, MSI, MSI-X, the command register) is emulated here.
 *
 * vfio_group.c gets at the device and lets it see the guest's memory, vfio_bar.c
 * has its BARs, vfio_config.c its configuration space, vfio_irq.c its
 * interrupts, vfio.c puts them together.
 */
#ifndef VMM_VFIO_H
#define VMM_VFIO_H

#include "pci.h"
#include "types.h"
#include "vmm.h"

#define VFIO_MAX_AREAS		4	/* of one BAR */
#define VFIO_MAX_VECTORS	64

/* Where the character devices are; tests have their own. */
extern const char *vfio_folder;

/**
 * struct vfio_area - a part of a BAR that the guest reaches without an exit
 * @off: where in the BAR
 * @size: bytes
 * @hva: where it is in this process, which never touches it
 * @slot: memory slot
 * @gpa: where the guest has it, 0: nowhere
 */
struct vfio_area {
	u64 off;
	u64 size;
	void *hva;
	u32 slot;
	u64 gpa;
};

/**
 * struct vfio_bar - a memory BAR
 * @offset: of its region in the device's file
 * @size: a power of two, or 0
 * @flags: VFIO_REGION_INFO_FLAG_*
 * @type: the four lowest bits of its register
 * @nr_areas: how many
 * @area: parts that are mapped; accesses to the rest come here
 */
struct vfio_bar {
	u64 offset;
	u64 size;
	u32 flags;
	u8 type;
	unsigned int nr_areas;
	struct vfio_area area[VFIO_MAX_AREAS];
};

/**
 * struct vfio_vector - a message-signalled interrupt
 * @entry: address, data and mask of the kind that is on, as in a table of MSI-X
 * @gsi: that carries it
 * @fd: eventfd that the device signals; what comes while it is masked waits in it
 * @routed: @route is the GSI's
 * @bound: @fd raises the GSI
 * @route: the message as the hypervisor has it
 */
struct vfio_vector {
	u32 entry[4];
	u32 gsi;
	int fd;
	bool routed;
	bool bound;
	u32 route[3];
};

enum vfio_mode { VFIO_NO_IRQ, VFIO_INTX, VFIO_MSI, VFIO_MSIX };

/**
 * struct vfio_notice - something that the host tells about a device
 * @d: device
 * @text: what it means
 * @fd: eventfd, or -1
 */
struct vfio_notice {
	struct vfio_dev *d;
	const char *text;
	int fd;
};

/**
 * struct vfio_dev - a device that is passed through; all under pci.lock once
 *		     vCPUs run
 * @pci: as the guest sees it
 * @vm: machine
 * @name: as it was asked for
 * @fd: VFIO device
 * @flags: VFIO_DEVICE_FLAGS_*
 * @config: offset of its configuration space in its file
 * @pass: bytes of it that are the device's own
 * @bar: BARs
 * @mode: which kind of interrupt is on
 * @intx_fd: eventfd of INTA#, or -1
 * @unmask_fd: eventfd by which the hypervisor says that INTA# has been handled
 * @msi: offset of the MSI capability, 0: there is none
 * @msix: likewise
 * @nr_msi: vectors of MSI
 * @nr_msix: vectors of MSI-X
 * @table_bar: where the table of MSI-X is
 * @table: likewise
 * @table_size: its bytes, more than @nr_msix entries if the device has more
 * @pba_bar: where its pending bits are
 * @pba: likewise
 * @table_entry: the table as the guest sees it
 * @nr_vectors: how many of @vec are set up
 * @vec: vectors
 * @notice: the host wants the device back; it is broken
 */
struct vfio_dev {
	struct pci_dev pci;
	struct vm *vm;
	const char *name;
	int fd;
	u32 flags;
	u64 config;
	bool pass[PCI_CFG_SIZE];
	struct vfio_bar bar[PCI_BARS];
	enum vfio_mode mode;
	int intx_fd;
	int unmask_fd;
	u8 msi;
	u8 msix;
	unsigned int nr_msi;
	unsigned int nr_msix;
	unsigned int table_bar;
	u32 table;
	u32 table_size;
	unsigned int pba_bar;
	u32 pba;
	u32 table_entry[VFIO_MAX_VECTORS][4];
	unsigned int nr_vectors;
	struct vfio_vector vec[VFIO_MAX_VECTORS];
	struct vfio_notice notice[2];
};

/**
 * struct vfio - all that is passed through
 * @container: VFIO container: what the devices see of memory
 * @groups: VFIO groups in it
 * @nr_groups: how many
 * @epoll_fd: readable when there is a notice
 * @next_slot: next free memory slot
 * @dev: devices
 * @nr: how many
 */
struct vfio {
	int container;
	struct {
		int fd;
		char name[32];
	} group[VMM_MAX_VFIO];
	unsigned int nr_groups;
	int epoll_fd;
	u32 next_slot;
	struct vfio_dev dev[VMM_MAX_VFIO];
	unsigned int nr;
};

/* vfio.c */
int vfio_init(struct vm *vm);
void vfio_exit(struct vm *vm);
int vfio_poll_fd(const struct vm *vm);
void vfio_serve(struct vm *vm);

/* vfio_group.c */
int vfio_open(struct vm *vm, struct vfio *v, struct vfio_dev *d);
void vfio_close(struct vfio *v);

/* vfio_config.c */
int vfio_config_init(struct vfio_dev *d);
void vfio_config_read(struct pci_dev *p, u32 off, unsigned int len);
void vfio_config_written(struct pci_dev *p, u32 off, unsigned int len);

/* vfio_bar.c */
int vfio_bars_find(struct vfio_dev *d);
int vfio_bars_init(struct vfio_dev *d);
void vfio_bars_exit(struct vfio_dev *d);
void vfio_bar_access(struct pci_dev *p, unsigned int bar, u32 off, void *data,
		     unsigned int size, bool write);
void vfio_bars_moved(struct pci_dev *p);

/* vfio_irq.c */
unsigned int vfio_irq_count(struct vfio_dev *d, u32 index);
int vfio_irq_init(struct vfio_dev *d);
void vfio_irq_exit(struct vfio_dev *d);
void vfio_irq_update(struct vfio_dev *d);
void vfio_msi_pending(struct vfio_dev *d);
bool vfio_msix_access(struct vfio_dev *d, unsigned int bar, u32 off, void *data,
		      unsigned int size, bool write);

#endif /* VMM_VFIO_H */
