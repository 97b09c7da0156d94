// SPDX-License-Identifier: GPL-2.0
/*
 * In a guest: a compute slice that was passed through, driven by way of the
 * guest's own vfio-pci: its memory, its registers, DMA, and interrupts by INTx
 * and by MSI. Says "guest: yes NAME" or "guest: no NAME" for each property.
 *
 * usage: vfio_guest PCI-ADDRESS GROUP
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/pci_regs.h>
#include <linux/vfio.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>
#include <virtlite/vgpu_isa.h>

#define PAGE		4096
#define RING_ORDER	4
#define PATIENCE	60000	/* ms */

static int device;
static struct vfio_region_info regs = { .argsz = sizeof(regs) };
static struct vfio_region_info config = { .argsz = sizeof(config) };
static struct vgpu_cmd *ring;
static uint32_t put;

static void say(bool good, const char *name)
{
	printf("guest: %s %s\n", good ? "yes" : "no", name);
}

static void must(bool good, const char *name)
{
	if (good)
		return;
	printf("guest: no %s: %s\n", name, strerror(errno));
	exit(1);
}

static uint32_t get(uint32_t reg)
{
	uint32_t v = 0;

	must(pread(device, &v, 4, regs.offset + reg) == 4, "reading a register");
	return v;
}

static void set(uint32_t reg, uint32_t v)
{
	must(pwrite(device, &v, 4, regs.offset + reg) == 4, "writing a register");
}

/* Where a page of this process is in the guest's memory. */
static uint64_t physical(void *p)
{
	int fd = open("/proc/self/pagemap", O_RDONLY);
	uint64_t entry = 0;

	must(fd >= 0 && pread(fd, &entry, 8, (uintptr_t)p / PAGE * 8) == 8, "pagemap");
	close(fd);
	return (entry & ((1ULL << 55) - 1)) * PAGE;
}

static void open_device(const char *address, const char *group_path)
{
	int container = open("/dev/vfio/vfio", O_RDWR), group = open(group_path, O_RDWR);

	must(container >= 0, "/dev/vfio/vfio");
	must(group >= 0, group_path);
	must(!ioctl(group, VFIO_GROUP_SET_CONTAINER, &container), "container");
	must(!ioctl(container, VFIO_SET_IOMMU, VFIO_NOIOMMU_IOMMU), "no IOMMU");
	device = ioctl(group, VFIO_GROUP_GET_DEVICE_FD, address);
	must(device >= 0, "device");
}

static void irqs(uint32_t index, uint32_t action, int fd)
{
	struct {
		struct vfio_irq_set set;
		int fd;
	} s = {
		.set = { .argsz = sizeof(s), .index = index, .count = 1,
			 .flags = action | VFIO_IRQ_SET_DATA_EVENTFD },
		.fd = fd,
	};

	if (fd < 0) {
		s.set.flags = action | VFIO_IRQ_SET_DATA_NONE;
		s.set.argsz = sizeof(s.set);
		s.set.count = action == VFIO_IRQ_SET_ACTION_UNMASK;
	}
	must(!ioctl(device, VFIO_DEVICE_SET_IRQS, &s), "interrupts");
}

static bool signalled(int fd)
{
	struct pollfd p = { fd, POLLIN, 0 };
	uint64_t count;

	return poll(&p, 1, PATIENCE) == 1 && read(fd, &count, 8) == 8;
}

static void submit(const struct vgpu_cmd *c)
{
	/* In video memory, whose pages are the slice's. */
	ring[put++ % (1 << RING_ORDER)] = *c;
	__sync_synchronize();
	set(VGPU_QUEUE(0) + VGPU_Q_PUT, put);
}

/* Have the slice say that it has done all before. */
static void fence(void)
{
	struct vgpu_cmd c = { .op = VGPU_OP_FENCE, .flags = VGPU_F_IRQ };

	c.fence.value = put + 1;
	submit(&c);
}

static void start_queue(uint64_t at)
{
	set(VGPU_QUEUE(0) + VGPU_Q_CONTROL, VGPU_Q_RESET);
	set(VGPU_QUEUE(0) + VGPU_Q_RING_LO, at);
	set(VGPU_QUEUE(0) + VGPU_Q_RING_HI, (at | VGPU_VRAM) >> 32);
	set(VGPU_QUEUE(0) + VGPU_Q_RING_ORDER, RING_ORDER);
	set(VGPU_QUEUE(0) + VGPU_Q_CONTROL, VGPU_Q_ENABLE);
}

static void copy(uint64_t from, uint64_t to)
{
	struct vgpu_cmd c = { .op = VGPU_OP_COPY };

	c.copy.src = from;
	c.copy.dst = to;
	c.copy.bytes = PAGE;
	submit(&c);
}

static void handled(void)
{
	set(VGPU_REG_INTR_STATUS, get(VGPU_REG_INTR_STATUS));
}

int main(int argc, char **argv)
{
	struct vfio_region_info bar = { .argsz = sizeof(bar) };
	int intx = eventfd(0, 0), msi = eventfd(0, 0);
	uint16_t command = 0;
	uint64_t ring_at;
	uint8_t *vram, *page;
	bool good = true;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc != 3)
		return 2;
	open_device(argv[1], argv[2]);
	regs.index = VFIO_PCI_BAR4_REGION_INDEX;
	config.index = VFIO_PCI_CONFIG_REGION_INDEX;
	must(!ioctl(device, VFIO_DEVICE_GET_REGION_INFO, &bar) &&
	     !ioctl(device, VFIO_DEVICE_GET_REGION_INFO, &regs) &&
	     !ioctl(device, VFIO_DEVICE_GET_REGION_INFO, &config), "regions");
	must(pread(device, &command, 2, config.offset + PCI_COMMAND) == 2, "command");
	command |= PCI_COMMAND_MASTER | PCI_COMMAND_MEMORY;
	must(pwrite(device, &command, 2, config.offset + PCI_COMMAND) == 2, "command");

	say(get(VGPU_REG_ID) == VGPU_ID, "registers");
	say(get(VGPU_REG_VRAM_LO) == bar.size, "the BAR is as large as the memory");
	set(VGPU_REG_SCRATCH, 0x12345678);
	say(get(VGPU_REG_SCRATCH) == 0x12345678, "writing a register");

	vram = mmap(NULL, bar.size, PROT_READ | PROT_WRITE, MAP_SHARED, device, bar.offset);
	must(vram != MAP_FAILED, "mapping the memory");
	for (size_t i = 0; i < bar.size; i += PAGE)
		good &= !*(uint64_t *)(vram + i);
	say(good, "memory is clean");
	for (size_t i = 0; i < bar.size; i += PAGE)
		*(uint64_t *)(vram + i) = i * 3 + 1;
	for (size_t i = 0; i < bar.size; i += PAGE)
		good &= *(uint64_t *)(vram + i) == i * 3 + 1;
	say(good, "memory keeps what is written");

	ring_at = bar.size - PAGE;
	ring = (void *)(vram + ring_at);
	start_queue(ring_at);
	irqs(VFIO_PCI_INTX_IRQ_INDEX, VFIO_IRQ_SET_ACTION_TRIGGER, intx);
	set(VGPU_REG_INTR_ENABLE, VGPU_INTR_ALL);

	page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_LOCKED | MAP_POPULATE, -1, 0);
	must(page != MAP_FAILED, "memory");
	memset(page, 0x5a, PAGE);
	copy(physical(page), VGPU_VRAM | PAGE);
	fence();
	say(signalled(intx), "an interrupt by INTx");
	say(get(VGPU_REG_INTR_STATUS) & VGPU_INTR_FENCE(0), "and its cause");
	say(!memcmp(vram + PAGE, page, PAGE), "DMA out of the guest's memory");
	handled();
	irqs(VFIO_PCI_INTX_IRQ_INDEX, VFIO_IRQ_SET_ACTION_UNMASK, -1);
	for (int i = 0; i < 3; i++) {
		fence();
		good &= signalled(intx);
		handled();
		irqs(VFIO_PCI_INTX_IRQ_INDEX, VFIO_IRQ_SET_ACTION_UNMASK, -1);
	}
	say(good, "INTx again and again");
	irqs(VFIO_PCI_INTX_IRQ_INDEX, VFIO_IRQ_SET_ACTION_TRIGGER, -1);

	irqs(VFIO_PCI_MSI_IRQ_INDEX, VFIO_IRQ_SET_ACTION_TRIGGER, msi);
	memset(vram + 2 * PAGE, 0xa5, PAGE);
	copy(VGPU_VRAM | 2 * PAGE, physical(page));
	fence();
	say(signalled(msi), "an interrupt by MSI");
	say(!memcmp(vram + 2 * PAGE, page, PAGE), "DMA into the guest's memory");
	handled();
	for (int i = 0; i < 10; i++) {
		fence();
		good &= signalled(msi);
		handled();
	}
	say(good, "MSI again and again");
	say(!get(VGPU_QUEUE(0) + VGPU_Q_ERROR), "no command failed");
	irqs(VFIO_PCI_MSI_IRQ_INDEX, VFIO_IRQ_SET_ACTION_TRIGGER, -1);
	/* Addresses that are nothing: the slice must hear of it, and nobody else. */
	copy(1ULL << 40, VGPU_VRAM);
	while (get(VGPU_QUEUE(0) + VGPU_Q_STATUS) != VGPU_Q_HALTED)
		usleep(1000);
	say(get(VGPU_QUEUE(0) + VGPU_Q_ERROR) == VGPU_ERR_DMA, "no DMA beyond the guest's memory");
	printf("guest: done\n");
	return 0;
}
