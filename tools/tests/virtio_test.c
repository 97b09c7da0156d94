// SPDX-License-Identifier: GPL-2.0
/*
 * PCI and virtio as a guest sees them: a small driver for the block and the
 * entropy device in this process, then requests and registers that no driver
 * would write.
 */
#include <errno.h>
#include <linux/virtio_blk.h>

#include "../lib/virtlite.h"
#include "driver.h"
#include "tap.h"

#define DISK_SECTORS	64

#define HDR		0x40000ULL
#define DATA		0x41000ULL
#define STATUS		0x48000ULL

/* A block request. Return: status byte, or -1. */
static int request(struct driver *d, u16 q, u32 type, u64 sector, u32 len,
		   u16 data_flags)
{
	struct vring_desc *t = desc(q);

	*(struct virtio_blk_outhdr *)ptr(HDR) = (struct virtio_blk_outhdr){
		.type = type, .sector = sector,
	};
	*(u8 *)ptr(STATUS) = 0xee;
	t[0] = (struct vring_desc){ HDR, 16, NEXT, len ? 1 : 2 };
	t[1] = (struct vring_desc){ DATA, len, NEXT | data_flags, 2 };
	t[2] = (struct vring_desc){ STATUS, 1, WRITE, 0 };
	return kick(d, q) < 0 ? -1 : *(u8 *)ptr(STATUS);
}

static void test_config_space(struct driver *d)
{
	u32 bar = PCI_BASE_ADDRESS_0, old;
	u64 where = d->bar;

	ok(cfg_read(vm, 0, 0, 4) == 0x00081b36, "a host bridge in slot 0");
	ok(cfg_read(vm, 20, 0, 4) == ~0U, "nothing in an empty slot");
	ok(cfg_read(vm, 1, 0, 4) == 0x10421af4 &&
	   cfg_read(vm, 1, 0, 2) == 0x1af4 && cfg_read(vm, 1, 3, 1) == 0x10,
	   "a virtio disk in slot 1, read in any width");
	out(vm, PCI_CONFIG_PORT, 0x80000000U | 1 << 16 | 1 << 11, 4);
	ok(in(vm, PCI_CONFIG_PORT + 4, 4) == ~0U, "nothing on bus 1");
	out(vm, PCI_CONFIG_PORT, 0x80000000U | 1 << 11 | 1 << 8, 4);
	ok(in(vm, PCI_CONFIG_PORT + 4, 4) == ~0U, "no second function");
	out(vm, PCI_CONFIG_PORT, 1 << 11, 4);
	ok(in(vm, PCI_CONFIG_PORT + 4, 4) == ~0U,
	   "nothing without the enable bit");
	out(vm, PCI_CONFIG_PORT, 0x80000000U | 1 << 11, 4);
	ok(in(vm, PCI_CONFIG_PORT + 6, 4) == ~0U,
	   "no access across registers");

	cfg_write(vm, 1, 0, 0, 4);
	ok(cfg_read(vm, 1, 0, 4) == 0x10421af4, "the identity is read-only");

	old = cfg_read(vm, 1, bar, 4);
	cfg_write(vm, 1, PCI_COMMAND, 0, 2);
	ok(mmio_read(vm, where + VIRTIO_PCI_COMMON_NUMQ, 2) == 0xffff,
	   "a BAR without memory decoding is not there");
	cfg_write(vm, 1, bar, ~0U, 4);
	ok(cfg_read(vm, 1, bar, 4) == 0xffffc000, "a BAR of 16 KiB");
	cfg_write(vm, 1, bar, 0xd0000000, 4);
	cfg_write(vm, 1, PCI_COMMAND, PCI_COMMAND_MEMORY, 2);
	ok(mmio_read(vm, 0xd0000000 + VIRTIO_PCI_COMMON_NUMQ, 2) == 4 &&
	   mmio_read(vm, where + VIRTIO_PCI_COMMON_NUMQ, 2) == 0xffff,
	   "a BAR can be moved");
	cfg_write(vm, 1, bar, old, 4);
	ok(mmio_read(vm, where + VIRTIO_PCI_COMMON_NUMQ, 2) == 4,
	   "and moved back");
	ok(mmio_read(vm, where + 0x4000 - 4, 8) == ~0ULL,
	   "an access that leaves the BAR is not its");
}

static void test_negotiation(struct driver *d)
{
	u64 v1 = BIT_ULL(VIRTIO_F_VERSION_1);

	ok(negotiate(d, v1), "version 1 alone is accepted");
	ok(!negotiate(d, 0), "a legacy driver is not");
	ok(!negotiate(d, v1 | BIT_ULL(50)),
	   "nor is a feature that was not offered");
	set_common(d, VIRTIO_PCI_COMMON_STATUS, 15, 1);
	setup_queue(d, 0);
	ok(request(d, 0, VIRTIO_BLK_T_FLUSH, 0, 0, 0) == -1,
	   "without agreement nothing is served");

	negotiate(d, v1);
	set_common(d, VIRTIO_PCI_COMMON_GFSELECT, 0, 4);
	set_common(d, VIRTIO_PCI_COMMON_GF, ~0U, 4);
	ok(common(d, VIRTIO_PCI_COMMON_GF, 4) == 0,
	   "what was agreed on stays");
	set_common(d, VIRTIO_PCI_COMMON_DFSELECT, 7, 4);
	ok(common(d, VIRTIO_PCI_COMMON_DF, 4) == 0, "there is no 7th half");
	set_common(d, VIRTIO_PCI_COMMON_Q_SELECT, 99, 2);
	ok(common(d, VIRTIO_PCI_COMMON_Q_SIZE, 2) == 0, "nor a 99th queue");
	set_common(d, VIRTIO_PCI_COMMON_Q_ENABLE, 1, 2);
	set_common(d, VIRTIO_PCI_COMMON_Q_SELECT, 0, 2);
	set_common(d, VIRTIO_PCI_COMMON_Q_SIZE, 3, 2);
	ok(common(d, VIRTIO_PCI_COMMON_Q_SIZE, 2) == VQ_MAX_SIZE,
	   "a queue of 3 is refused");
	set_common(d, VIRTIO_PCI_COMMON_Q_MSIX, 1000, 2);
	ok(common(d, VIRTIO_PCI_COMMON_Q_MSIX, 2) == VIRTIO_MSI_NO_VECTOR,
	   "so is a vector that does not exist");
	set_common(d, VIRTIO_PCI_COMMON_Q_DESCLO, 0xfffffff0, 4);
	set_common(d, VIRTIO_PCI_COMMON_Q_DESCHI, 0xffffffff, 4);
	set_common(d, VIRTIO_PCI_COMMON_Q_ENABLE, 1, 2);
	set_common(d, VIRTIO_PCI_COMMON_STATUS, 15, 1);
	ok(broken(d), "a queue outside RAM breaks the device");
	set_common(d, VIRTIO_PCI_COMMON_STATUS, 0, 1);
	ok(common(d, VIRTIO_PCI_COMMON_STATUS, 1) == 0, "a reset mends it");
}

static u64 features(void)
{
	return BIT_ULL(VIRTIO_F_VERSION_1) | BIT_ULL(VIRTIO_BLK_F_FLUSH) |
	       BIT_ULL(VIRTIO_BLK_F_MQ);
}

static void test_disk(struct driver *d, int file)
{
	char buf[512];

	ok(bring_up(d, features(), 2), "a driver comes up with two queues");
	ok(mmio_read(vm, d->bar + d->caps[VIRTIO_PCI_CAP_DEVICE_CFG], 8) ==
	   DISK_SECTORS, "the capacity");

	memset(ptr(DATA), 'w', 4096);
	ok(request(d, 0, VIRTIO_BLK_T_OUT, 2, 1024, 0) == VIRTIO_BLK_S_OK,
	   "a write");
	usleep(20000);	/* the interrupt follows the answer */
	ok(line(d) && isr(d) == 1 && !line(d),
	   "interrupts by INTx, and reading the status ends it");
	ok(pread(file, buf, 512, 3 * 512) == 512 && buf[0] == 'w' &&
	   pread(file, buf, 512, 4 * 512) == 512 && buf[0] == 0,
	   "is in the file, and no more than it");
	memset(ptr(DATA), 0, 4096);
	ok(request(d, 1, VIRTIO_BLK_T_IN, 3, 512, WRITE) == VIRTIO_BLK_S_OK &&
	   *(char *)ptr(DATA) == 'w', "a read, by the other queue");
	ok(used(1)->ring[0].len == 513, "and its length");
	ok(request(d, 0, VIRTIO_BLK_T_FLUSH, 0, 0, 0) == VIRTIO_BLK_S_OK,
	   "a flush");
	ok(request(d, 0, VIRTIO_BLK_T_GET_ID, 0, 20, WRITE) ==
	   VIRTIO_BLK_S_OK && !strcmp(ptr(DATA), "virtlite-1"), "its name");
	ok(request(d, 0, 77, 0, 0, 0) == VIRTIO_BLK_S_UNSUPP,
	   "a request of no known type");

	ok(request(d, 0, VIRTIO_BLK_T_IN, DISK_SECTORS - 1, 512, WRITE) ==
	   VIRTIO_BLK_S_OK, "the last sector");
	ok(request(d, 0, VIRTIO_BLK_T_IN, DISK_SECTORS, 512, WRITE) ==
	   VIRTIO_BLK_S_IOERR, "the one after it");
	ok(request(d, 0, VIRTIO_BLK_T_IN, DISK_SECTORS - 1, 1024, WRITE) ==
	   VIRTIO_BLK_S_IOERR, "both");
	ok(request(d, 0, VIRTIO_BLK_T_OUT, ~0ULL, 512, 0) ==
	   VIRTIO_BLK_S_IOERR, "a sector number that wraps around");
	ok(request(d, 0, VIRTIO_BLK_T_OUT, 1ULL << 55, 512, 0) ==
	   VIRTIO_BLK_S_IOERR, "one whose byte offset does");
	ok(request(d, 0, VIRTIO_BLK_T_IN, 0, 100, WRITE) ==
	   VIRTIO_BLK_S_IOERR, "part of a sector");
	ok(lseek(file, 0, SEEK_END) == DISK_SECTORS * 512,
	   "the file has not grown");
}

static void test_readonly(struct driver *d, int file)
{
	char buf[4] = "";

	ok(bring_up(d, BIT_ULL(VIRTIO_F_VERSION_1) | BIT_ULL(VIRTIO_BLK_F_RO),
		    1), "a read-only disk");
	memset(ptr(DATA), 'r', 4096);
	ok(request(d, 0, VIRTIO_BLK_T_OUT, 0, 512, 0) == VIRTIO_BLK_S_IOERR,
	   "refuses a write");
	ok(pread(file, buf, 1, 0) == 1 && !*buf, "and has not done it");
	ok(request(d, 0, VIRTIO_BLK_T_IN, 0, 512, WRITE) == VIRTIO_BLK_S_OK,
	   "but reads");
}

static void test_hostile(struct driver *d)
{
	struct vring_desc *t = desc(0);

	bring_up(d, features(), 1);
	t[0] = (struct vring_desc){ HDR, 8, NEXT, 1 };
	t[1] = (struct vring_desc){ STATUS, 1, WRITE, 0 };
	kick(d, 0);
	usleep(20000);
	ok(broken(d), "half a header");

	bring_up(d, features(), 1);
	t[0] = (struct vring_desc){ HDR, 16, 0, 0 };
	kick(d, 0);
	usleep(20000);
	ok(broken(d), "no place for the status");

	bring_up(d, features(), 1);
	t[0] = (struct vring_desc){ ~0ULL, 16, NEXT, 1 };
	ok(kick(d, 0) == -1 && broken(d), "a header outside RAM");
	isr(d);
	ok(request(d, 0, VIRTIO_BLK_T_FLUSH, 0, 0, 0) == -1,
	   "a broken ring is served no more");
	ok(bring_up(d, features(), 1) &&
	   request(d, 0, VIRTIO_BLK_T_FLUSH, 0, 0, 0) == VIRTIO_BLK_S_OK,
	   "until a reset");

	mmio_write(vm, d->bar + d->caps[VIRTIO_PCI_CAP_NOTIFY_CFG] + 0xffc, 0,
		   4);
	ok(!broken(d), "a doorbell of no queue");
}

static void test_window(struct driver *d)
{
	cfg_write(vm, d->slot, d->cfg_cap + 4, 0, 1);
	cfg_write(vm, d->slot, d->cfg_cap + 8, VIRTIO_PCI_COMMON_NUMQ, 4);
	cfg_write(vm, d->slot, d->cfg_cap + 12, 2, 4);
	ok(cfg_read(vm, d->slot, d->cfg_cap + 16, 2) == 4,
	   "a BAR read through configuration space");
	cfg_write(vm, d->slot, d->cfg_cap + 8, VIRTIO_PCI_COMMON_Q_SELECT, 4);
	cfg_write(vm, d->slot, d->cfg_cap + 16, 2, 2);
	ok(common(d, VIRTIO_PCI_COMMON_Q_SELECT, 2) == 2, "and written");

	for (u32 bar = 0; bar < 256; bar += 5)
		for (u32 len = 0; len < 9; len++) {
			cfg_write(vm, d->slot, d->cfg_cap + 4, bar, 1);
			cfg_write(vm, d->slot, d->cfg_cap + 8, 0xfffffffc, 4);
			cfg_write(vm, d->slot, d->cfg_cap + 12, len, 4);
			cfg_write(vm, d->slot, d->cfg_cap + 16, 0, 4);
			cfg_read(vm, d->slot, d->cfg_cap + 16, 4);
		}
	ok(common(d, VIRTIO_PCI_COMMON_NUMQ, 2) == 4,
	   "a window outside the BARs shows nothing");
}

static void test_msix(struct driver *d)
{
	u32 cap = cfg_read(vm, d->slot, PCI_CAPABILITY_LIST, 1);
	u64 bar = cfg_read(vm, d->slot, PCI_BASE_ADDRESS_2, 4) & ~0xfU;

	ok(cfg_read(vm, d->slot, cap, 1) == PCI_CAP_ID_MSIX &&
	   (cfg_read(vm, d->slot, cap + 2, 2) & 0x7ff) == 4,
	   "five MSI-X vectors");
	ok(mmio_read(vm, bar + 12, 4) == 1, "a vector is masked at first");
	mmio_write(vm, bar + 16, 0xfee01000, 4);
	mmio_write(vm, bar + 24, 0x41, 4);
	ok(mmio_read(vm, bar + 16, 8) == 0xfee01000 &&
	   mmio_read(vm, bar + 24, 4) == 0x41, "the table holds its entries");
	mmio_write(vm, bar + 5 * 16, 7, 4);
	ok(mmio_read(vm, bar + 5 * 16, 4) == 0, "and has no sixth");

	bring_up(d, features(), 1);
	set_common(d, VIRTIO_PCI_COMMON_Q_MSIX, 1, 2);
	cfg_write(vm, d->slot, cap + 2, PCI_MSIX_FLAGS_ENABLE, 2);
	request(d, 0, VIRTIO_BLK_T_FLUSH, 0, 0, 0);
	usleep(20000);
	ok(!line(d) && !isr(d) && mmio_read(vm, bar + 2048, 8) == 2,
	   "a masked vector is pending, and INTx is silent");
	/* The hypervisor is not there, so the message is lost, not stuck. */
	mmio_write(vm, bar + 28, 0, 4);
	ok(mmio_read(vm, bar + 2048, 4) == 0, "unmasking it sends it");
	cfg_write(vm, d->slot, cap + 2, 0, 2);
}

static void test_rng(struct driver *d)
{
	static const u8 zero[64];
	struct vring_desc *t = desc(0);

	ok(bring_up(d, BIT_ULL(VIRTIO_F_VERSION_1), 1), "an entropy device");
	memset(ptr(DATA), 0, 4096);
	t[0] = (struct vring_desc){ DATA, 64, WRITE, 0 };
	ok(kick(d, 0) == 64 && memcmp(ptr(DATA), zero, 64),
	   "fills what it is given");
	t[0] = (struct vring_desc){ 0x100000, 0x200000, WRITE, 0 };
	ok(kick(d, 0) == 65536, "but not megabytes at once");
	t[0] = (struct vring_desc){ DATA, 64, 0, 0 };
	ok(kick(d, 0) == 0, "nor what it may only read");
}

/* Every register and BAR byte, in every width, with any value. */
static void test_noise(unsigned int slots)
{
	srand(1);
	for (unsigned int i = 0; i < 300000; i++) {
		unsigned int slot = rand() % slots, size = 1 << rand() % 4;
		u32 v = rand() % 4 ? rand() % 32U : rand() * 3U;

		/* Moved BARs would only make the noise miss. */
		if (!(rand() % 8) && size < 8) {
			u32 off = rand() % 256;

			if (off < PCI_BASE_ADDRESS_0 || off >= PCI_CARDBUS_CIS)
				cfg_write(vm, slot, off, v, size);
			cfg_write(vm, slot, PCI_COMMAND, PCI_COMMAND_MEMORY, 2);
		} else {
			u64 addr = PCI_MMIO_START + slot * 0x8000 +
				   rand() % 6 * 0x1000 + rand() % 96;

			if (rand() & 1)
				mmio_write(vm, addr, v, size);
			else
				mmio_read(vm, addr, size);
		}
	}
	ok(true, "noise in all registers");
}

int main(void)
{
	char path[] = "/tmp/virtio_test.XXXXXX";
	struct vmm_disk rw = { path, false }, ro = { path, true };
	struct virtio_blk *disk[2];
	struct driver d, r, g;
	struct virtio *rng;
	int file = mkstemp(path);

	vm = fake_vm(8 * MIB, "-");
	ok(!virtio_blk_create(vm, &(struct vmm_disk){ "/nonexistent", false },
			      4) && strstr(vl_message(), "/nonexistent"),
	   "a disk that is not there");
	ok(!virtio_blk_create(vm, &rw, 4) && strstr(vl_message(), "512"),
	   "an empty disk");
	if (ftruncate(file, DISK_SECTORS * 512))
		return 1;
	disk[0] = virtio_blk_create(vm, &rw, 4);
	ok(disk[0], "a disk");
	ok(!virtio_blk_create(vm, &rw, 4) && strstr(vl_message(), "busy"),
	   "nobody else may write to it");
	rng = virtio_rng_create(vm);
	if (!disk[0] || !rng || !find(&d, 1) || !find(&g, 2))
		return 1;

	test_config_space(&d);
	test_negotiation(&d);
	test_disk(&d, file);
	test_hostile(&d);
	test_window(&d);
	test_msix(&d);
	test_rng(&g);
	test_noise(3);
	virtio_blk_destroy(disk[0]);

	/* Set-up is over once devices run; a new machine for the other disk. */
	if (ftruncate(file, 0) || ftruncate(file, DISK_SECTORS * 512))
		return 1;
	virtio_rng_destroy(rng);
	fake_vm_free(vm);
	vm = fake_vm(8 * MIB, "-");
	disk[1] = virtio_blk_create(vm, &ro, 1);
	if (!disk[1] || !find(&r, 1))
		return 1;
	test_readonly(&r, file);
	virtio_blk_destroy(disk[1]);
	fake_vm_free(vm);
	unlink(path);
	return tap_done();
}
