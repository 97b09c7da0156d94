/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The small VMM as the command line sees it.
 */
#ifndef VMM_VMM_H
#define VMM_VMM_H

#include "types.h"

#define VMM_MAX_DISKS	24
#define VMM_MAX_NICS	6
#define VMM_MAX_VFIO	8

/* The kernel says this on its console just before it starts the first process,
 * unless it was told to be quiet.
 */
#define VMM_DEFAULT_MARK "as init process"

/**
 * enum vmm_status - why a VM is no more; also the exit status of `vm run`
 * @VMM_POWEROFF: the guest switched itself off (ACPI S5)
 * @VMM_FAILED: it never ran; vl_message() says why
 * @VMM_USAGE: the command line was wrong
 * @VMM_RESET: the guest asked for a reset (reboot)
 * @VMM_CRASHED: triple fault
 * @VMM_STOPPED: the hypervisor could not go on, as said on stderr
 * @VMM_QUIT: stopped from outside: Ctrl-a x, or a signal
 */
enum vmm_status {
	VMM_POWEROFF	= 0,
	VMM_FAILED	= 1,
	VMM_USAGE	= 2,
	VMM_RESET	= 3,
	VMM_CRASHED	= 4,
	VMM_STOPPED	= 5,
	VMM_QUIT	= 6,
};

/**
 * struct vmm_disk - one disk of a guest
 * @path: file or block device
 * @ro: never written to
 */
struct vmm_disk {
	const char *path;
	bool ro;
};

/**
 * struct vmm_nic - one network card of a guest
 * @sw: name of the switch that it is plugged into
 * @name: what the switch's port is called, or NULL
 * @vlan: the card is in this VLAN, 0: in none
 * @mtu: of the port, 0: the switch's default
 * @queues: pairs of queues, 0: one for each vCPU
 * @has_mac: @mac is given
 * @mac: its address
 */
struct vmm_nic {
	const char *sw;
	const char *name;
	unsigned int vlan;
	unsigned int mtu;
	unsigned int queues;
	bool has_mac;
	unsigned char mac[6];
};

/**
 * struct vmm_config - what to run
 * @device: hypervisor's device node
 * @kernel: bzImage
 * @initrd: initial ramdisk, or NULL
 * @cmdline: kernel command line
 * @mem: guest memory in bytes
 * @cpus: number of vCPUs
 * @disks: virtio disks, in the order of their PCI slots
 * @nr_disks: how many
 * @nics: virtio network cards, behind the disks
 * @nr_nics: how many
 * @vfio: devices of the host, by their folder in sysfs, name or UUID
 * @nr_vfio: how many
 * @control: path of the control socket, with a memory balloon behind it; or NULL
 * @mark: text on the console whose first appearance is timed
 * @summary: print what happened at the end, to stderr
 * @json: print that as JSON
 * @ready: a pipe that is told a byte when the vCPUs run, then closed; 0: none
 */
struct vmm_config {
	const char *device;
	const char *kernel;
	const char *initrd;
	const char *cmdline;
	u64 mem;
	unsigned int cpus;
	struct vmm_disk disks[VMM_MAX_DISKS];
	unsigned int nr_disks;
	struct vmm_nic nics[VMM_MAX_NICS];
	unsigned int nr_nics;
	const char *vfio[VMM_MAX_VFIO];
	unsigned int nr_vfio;
	const char *control;
	const char *mark;
	bool summary;
	bool json;
	int ready;
};

enum vmm_status vmm_run(const struct vmm_config *cfg);

#endif /* VMM_VMM_H */
