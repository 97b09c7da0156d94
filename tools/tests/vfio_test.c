// SPDX-License-Identifier: GPL-2.0
/*
 * A device that is passed through, without one: configuration space, BARs, mapped
 * or not, interrupts of each kind, what the host has to say, and what goes wrong.
 */
#include <dirent.h>
#include <sys/eventfd.h>

#include "../lib/virtlite.h"
#include "fake_vfio.h"
#include "tap.h"

#define CONFIG	VFIO_PCI_CONFIG_REGION_INDEX
#define MEM	(4 * MIB)
#define PM	0x40
#define MSI	0x50
#define MSIX	0x70
#define VENDOR	0x80
#define PCIE	0x90
#define BEHIND	0xf0
#define TABLE	0x3000		/* in BAR 2 */
#define PBA	0x6800
#define NR_MSIX	6
#define ALL	(VFIO_REGION_INFO_FLAG_READ | VFIO_REGION_INFO_FLAG_WRITE | \
		 VFIO_REGION_INFO_FLAG_MMAP)
#define SLOT	1		/* on the bus */
#define MESSAGE	0xfee01000

static struct vm *vm;
static struct vmm_config cfg;
static char name[128];

static u32 cfg32(u32 off)
{
	return cfg_read(vm, SLOT, off, 4);
}

static void set_cfg(u32 off, u32 v, unsigned int size)
{
	cfg_write(vm, SLOT, off, v, size);
}

static u64 bar(unsigned int n)
{
	return cfg32(PCI_BASE_ADDRESS_0 + 4 * n) & ~0xfU;
}

/* The slot that covers a guest address. */
static const struct kvm_userspace_memory_region *slot_at(u64 gpa)
{
	for (int i = 0; i < FAKE_SLOTS; i++)
		if (fake.slot[i].memory_size && gpa >= fake.slot[i].guest_phys_addr &&
		    gpa - fake.slot[i].guest_phys_addr < fake.slot[i].memory_size)
			return &fake.slot[i];
	return NULL;
}

/* Does the hypervisor's memory at @gpa show byte @off of a BAR? */
static bool shows(u64 gpa, unsigned int n, u64 off)
{
	const struct kvm_userspace_memory_region *s = slot_at(gpa);
	const u8 *p;

	if (!s)
		return false;
	p = (u8 *)(uintptr_t)s->userspace_addr + (gpa - s->guest_phys_addr);
	own_set(n, off, 0x11223344, 4);
	if (*(volatile u32 *)p != 0x11223344)
		return false;
	own_set(n, off, 0x55667788, 4);
	return *(volatile u32 *)p == 0x55667788;
}

static const struct kvm_irqfd *irqfd_of(int fd)
{
	for (int i = 0; i < FAKE_IRQFDS; i++)
		if (fd > 0 && (int)fake.irqfd[i].fd == fd)
			return &fake.irqfd[i];
	return NULL;
}

/* The device's vector raises an interrupt with that message. */
static bool sends(u32 kind, unsigned int v, u32 address, u32 data)
{
	const struct kvm_irqfd *f = irqfd_of(fake.trigger[kind][v]);

	for (unsigned int i = 0; f && i < fake.nr_routes; i++)
		if (fake.routes[i].gsi == f->gsi)
			return fake.routes[i].u.msi.address_lo == address &&
			       fake.routes[i].u.msi.data == data;
	return false;
}

static void cap(u32 off, u8 id, u8 next)
{
	own_set(CONFIG, off, id | next << 8, 2);
}

/* A card with everything: 16 MiB and 64 KiB, MSI for four, MSI-X for six. */
static void make_device(void)
{
	fake_clear();
	memset(fake.size, 0, sizeof(fake.size));
	fake.size[0] = 16 * MIB;
	fake.size[2] = 64 * KIB;
	fake.size[3] = 256;
	fake.size[5] = 4096;
	for (int i = 0; i < VFIO_PCI_NUM_REGIONS; i++)
		fake.flags[i] = ALL;
	fake.flags[3] = ALL & ~VFIO_REGION_INFO_FLAG_MMAP;
	fake.nr_sparse = 0;
	memset(fake.irqs, 0, sizeof(fake.irqs));
	fake.irqs[VFIO_PCI_INTX_IRQ_INDEX] = 1;
	fake.irqs[VFIO_PCI_MSI_IRQ_INDEX] = 4;
	fake.irqs[VFIO_PCI_MSIX_IRQ_INDEX] = NR_MSIX;
	fake.irqs[VFIO_PCI_ERR_IRQ_INDEX] = 1;
	fake.irqs[VFIO_PCI_REQ_IRQ_INDEX] = 1;

	for (u32 i = 0; i < PCI_CFG_SIZE; i += 4)
		own_set(CONFIG, i, 0, 4);
	own_set(CONFIG, PCI_VENDOR_ID, 0x56781234, 4);
	own_set(CONFIG, PCI_STATUS, PCI_STATUS_CAP_LIST, 2);
	own_set(CONFIG, PCI_CLASS_REVISION, 0x12000003, 4);
	own_set(CONFIG, PCI_HEADER_TYPE, 0x80, 1);	/* one of several functions */
	own_set(CONFIG, PCI_BASE_ADDRESS_0, 0xf000000c, 4);
	own_set(CONFIG, PCI_BASE_ADDRESS_0 + 20, 0xe001, 4);	/* ports */
	own_set(CONFIG, PCI_SUBSYSTEM_VENDOR_ID, 0xabcd1234, 4);
	own_set(CONFIG, PCI_ROM_ADDRESS, 0xe0000001, 4);
	own_set(CONFIG, PCI_INTERRUPT_PIN, 3, 1);
	own_set(CONFIG, PCI_CAPABILITY_LIST, PM, 1);
	cap(PM, PCI_CAP_ID_PM, MSI);
	own_set(CONFIG, PM + 4, 0xdeadbeef, 4);
	cap(MSI, PCI_CAP_ID_MSI, PCIE);
	own_set(CONFIG, MSI + 2, PCI_MSI_FLAGS_64BIT | PCI_MSI_FLAGS_MASKBIT | 2 << 1, 2);
	cap(PCIE, PCI_CAP_ID_EXP, MSIX);
	own_set(CONFIG, PCIE + 8, 0xdeadbeef, 4);
	cap(MSIX, PCI_CAP_ID_MSIX, VENDOR);
	own_set(CONFIG, MSIX + 2, NR_MSIX - 1, 2);
	own_set(CONFIG, MSIX + 4, TABLE | 2, 4);
	own_set(CONFIG, MSIX + 8, PBA | 2, 4);
	cap(VENDOR, PCI_CAP_ID_VNDR, 0);
	own_set(CONFIG, VENDOR + 2, 8, 1);
	own_set(CONFIG, VENDOR + 4, 0x01020304, 4);
}

/* A machine with one device, and perhaps another. */
static int begin(unsigned int nr)
{
	vm = fake_vm(MEM, "-");
	cfg = *vm->cfg;
	cfg.nr_vfio = nr;
	for (unsigned int i = 0; i < nr; i++)
		cfg.vfio[i] = name;
	vm->cfg = &cfg;
	/* Routes of pins come first, as in a real one. */
	vm->irq.pins = 1;
	vm->irq.table->nr = 1;
	memory_register(&vm->mem, -1);
	return vfio_init(vm);
}

static void end(void)
{
	vfio_exit(vm);
	fake_vm_free(vm);
}

static unsigned int open_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned int n = 0;

	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

static void test_config(void)
{
	unsigned int seen = 0, nr = 0, at;

	ok(cfg32(PCI_VENDOR_ID) == 0x56781234 && cfg32(PCI_CLASS_REVISION) == 0x12000003 &&
	   cfg32(PCI_SUBSYSTEM_VENDOR_ID) == 0xabcd1234, "it is what it is");
	ok(!cfg_read(vm, SLOT, PCI_HEADER_TYPE, 1), "but alone in its slot");
	ok(!cfg32(PCI_ROM_ADDRESS), "it has no ROM");
	ok(cfg_read(vm, SLOT, PCI_INTERRUPT_PIN, 1) == 1, "its interrupt is INTA#");

	for (at = cfg_read(vm, SLOT, PCI_CAPABILITY_LIST, 1); at && nr < 9;
	     at = cfg_read(vm, SLOT, at + 1, 1), nr++)
		seen |= BIT(cfg_read(vm, SLOT, at, 1));
	ok(nr == 3 && seen == (BIT(PCI_CAP_ID_MSI) | BIT(PCI_CAP_ID_MSIX) | BIT(PCI_CAP_ID_VNDR)),
	   "capabilities that work here");
	ok(cfg_read(vm, SLOT, PCI_STATUS, 2) & PCI_STATUS_CAP_LIST, "the status says so");
	ok(!cfg32(PM) && !cfg32(PM + 4) && !cfg32(PCIE) && !cfg32(PCIE + 8), "no others");
	set_cfg(PM + 4, 3, 2);
	ok(own_get(CONFIG, PM + 4, 4) == 0xdeadbeef, "nor can they be written");

	own_set(CONFIG, VENDOR + 4, 0x0a0b0c0d, 4);
	ok(cfg32(VENDOR + 4) == 0x0a0b0c0d, "the vendor's own is asked for each time");
	set_cfg(VENDOR + 5, 0x77, 1);
	ok(own_get(CONFIG, VENDOR + 4, 4) == 0x0a0b770d, "and written, by the byte");
	set_cfg(VENDOR, 0xffff, 2);
	ok(own_get(CONFIG, VENDOR, 2) == PCI_CAP_ID_VNDR && !cfg_read(vm, SLOT, VENDOR + 1, 1),
	   "but its link is not");
	own_set(CONFIG, PCI_STATUS, PCI_STATUS_INTERRUPT, 2);
	ok(cfg_read(vm, SLOT, PCI_STATUS, 2) == (PCI_STATUS_INTERRUPT | PCI_STATUS_CAP_LIST),
	   "the status is the device's, but for the list");
	set_cfg(PCI_STATUS, 0xf900, 2);
	ok(own_get(CONFIG, PCI_STATUS, 2) == 0xf900, "and cleared there");

	ok(own_get(CONFIG, PCI_COMMAND, 2) == PCI_COMMAND_MEMORY, "it decodes memory");
	set_cfg(PCI_COMMAND, PCI_COMMAND_MASTER | PCI_COMMAND_IO, 2);
	ok(cfg_read(vm, SLOT, PCI_COMMAND, 2) == PCI_COMMAND_MASTER,
	   "the guest has what it writes, and no ports");
	ok(own_get(CONFIG, PCI_COMMAND, 2) == (PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER),
	   "the device goes on decoding");
	set_cfg(PCI_COMMAND, PCI_COMMAND_MEMORY, 2);
}

static void test_bars(void)
{
	u64 old = bar(0), to = 0xd0000000;

	ok(cfg32(PCI_BASE_ADDRESS_0) == (old | 0xc) && !cfg32(PCI_BASE_ADDRESS_0 + 4),
	   "a 64-bit BAR, prefetchable");
	ok(!cfg32(PCI_BASE_ADDRESS_0 + 20), "no ports");
	ok(shows(old, 0, 0) && shows(old + 16 * MIB - 4, 0, 16 * MIB - 4), "it is memory");
	ok(!slot_at(bar(3)), "what cannot be mapped is not");
	ok(!slot_at(bar(2) + TABLE) && !slot_at(bar(2) + PBA) &&
	   shows(bar(2) + 0x2000, 2, 0x2000) && shows(bar(2) + 0x5000, 2, 0x5000) &&
	   shows(bar(2) + 0x7000, 2, 0x7000),
	   "nor the pages of the MSI-X table and of its pending bits");

	set_cfg(PCI_COMMAND, 0, 2);
	ok(!slot_at(old), "memory goes when decoding does");
	set_cfg(PCI_BASE_ADDRESS_0, ~0U, 4);
	set_cfg(PCI_BASE_ADDRESS_0 + 4, ~0U, 4);
	ok(cfg32(PCI_BASE_ADDRESS_0) == (~(u32)(16 * MIB - 1) | 0xc) &&
	   cfg32(PCI_BASE_ADDRESS_0 + 4) == ~0U, "its size can be asked for");
	set_cfg(PCI_BASE_ADDRESS_0 + 12, ~0U, 4);
	ok(cfg32(PCI_BASE_ADDRESS_0 + 12) == ~255U, "also that of a small one");
	set_cfg(PCI_BASE_ADDRESS_0 + 12, 0xd2000100, 4);
	set_cfg(PCI_BASE_ADDRESS_0, to, 4);
	set_cfg(PCI_BASE_ADDRESS_0 + 4, 0, 4);
	ok(!slot_at(to), "nothing is there before it decodes");
	set_cfg(PCI_COMMAND, PCI_COMMAND_MEMORY, 2);
	ok(shows(to, 0, 0) && !slot_at(old), "it moves");
	set_cfg(PCI_BASE_ADDRESS_0, to + 16 * MIB, 4);
	ok(shows(to + 16 * MIB, 0, 0) && !slot_at(to), "also while it decodes");

	mmio_write(vm, 0xd2000110, 0xcafe, 2);
	ok(own_get(3, 0x10, 4) == 0xcafe && mmio_read(vm, 0xd2000110, 4) == 0xcafe,
	   "the rest is passed on");
	ok(mmio_read(vm, 0xd20001fe, 4) == 0xffffffff, "not across the end");

	set_cfg(PCI_BASE_ADDRESS_0, 0, 4);
	set_cfg(PCI_BASE_ADDRESS_0 + 4, 2, 4);
	ok(!slot_at(8 * GIB), "no memory outside of the window");
	own_set(0, 0x40, 0xabcd, 4);
	ok(mmio_read(vm, 8 * GIB + 0x40, 4) == 0xabcd, "but it works");
	set_cfg(PCI_BASE_ADDRESS_0 + 4, 0, 4);
	set_cfg(PCI_BASE_ADDRESS_0, 0xfe000000, 4);
	ok(!slot_at(IOAPIC_ADDR), "none over the interrupt controllers");
	set_cfg(PCI_BASE_ADDRESS_0, to, 4);
	ok(shows(to, 0, 0), "and back");
}

/* Two that are in each other's way. */
static void test_overlap(void)
{
	u64 a = bar(0), b;

	b = cfg_read(vm, SLOT + 1, PCI_BASE_ADDRESS_0, 4) & ~0xfU;
	own_set(0, 8, 0x1234, 4);
	cfg_write(vm, SLOT + 1, PCI_BASE_ADDRESS_0, a, 4);
	ok(slot_at(a) && !slot_at(b), "of two BARs at one place, one is memory");
	set_cfg(PCI_BASE_ADDRESS_0, b, 4);
	ok(slot_at(a) && slot_at(b), "when that moves away, both are");
	ok(mmio_read(vm, a + 8, 4) == 0x1234, "and both work");
}

static void test_sparse(void)
{
	const struct kvm_userspace_memory_region *s;
	u64 at;

	make_device();
	fake.sparse[0][0] = 0x1000;
	fake.sparse[0][1] = 0x4000;
	fake.sparse[1][0] = 0x8000;
	fake.sparse[1][1] = 0x1000;
	fake.sparse[2][0] = 0xf000;
	fake.sparse[2][1] = 0x8000;	/* beyond the end */
	fake.nr_sparse = 3;
	ok(!begin(1), "a BAR that can be mapped in parts");
	at = bar(2);
	ok(!slot_at(at) && !slot_at(at + 0x5000) && !slot_at(at + 0x9000), "not where it cannot");
	ok(shows(at + 0x1000, 2, 0x1000) && shows(at + 0x2000, 2, 0x2000) &&
	   shows(at + 0x4000, 2, 0x4000) && shows(at + 0x8000, 2, 0x8000), "where it can");
	ok(!slot_at(at + TABLE), "but for the page of the MSI-X table");
	ok(!slot_at(at + 0xf000), "what makes no sense is left out");
	s = slot_at(at + 0x1000);
	ok(s && s->memory_size == 0x2000, "pages side by side are one slot");
	own_set(2, 0x10, 0x99, 4);
	ok(mmio_read(vm, at + 0x10, 4) == 0x99, "the rest works");
	end();

	make_device();
	fake.flags[0] &= ~VFIO_REGION_INFO_FLAG_WRITE;
	ok(!begin(1), "a BAR that is read-only");
	s = slot_at(bar(0));
	ok(s && s->flags == KVM_MEM_READONLY, "is so in the guest");
	end();
}

static void test_intx(void)
{
	const struct kvm_irqfd *f = irqfd_of(fake.trigger[VFIO_PCI_INTX_IRQ_INDEX][0]);

	ok(f && f->gsi == GSI_PCI + SLOT && f->flags == KVM_IRQFD_FLAG_RESAMPLE,
	   "INTx is on, and goes to its pin");
	ok(f && fake.unmask >= 0 && (int)f->resamplefd == fake.unmask,
	   "what the guest has handled is unmasked");
	set_cfg(PCI_COMMAND, PCI_COMMAND_MEMORY | PCI_COMMAND_INTX_DISABLE, 2);
	ok(own_get(CONFIG, PCI_COMMAND, 2) & PCI_COMMAND_INTX_DISABLE,
	   "the device knows when the guest wants none");
	set_cfg(PCI_COMMAND, PCI_COMMAND_MEMORY, 2);
}

static void test_msi(void)
{
	const u32 kind = VFIO_PCI_MSI_IRQ_INDEX;
	u32 flags = cfg_read(vm, SLOT, MSI + 2, 2);

	ok(flags == (PCI_MSI_FLAGS_64BIT | PCI_MSI_FLAGS_MASKBIT | 2 << 1), "MSI for four");
	set_cfg(MSI + 4, MESSAGE, 4);
	set_cfg(MSI + 8, 0, 4);
	set_cfg(MSI + 12, 0x4040, 2);
	set_cfg(MSI + 16, 0xd, 4);
	ok(fake.trigger[0][0] >= 0 && fake.trigger[kind][0] < 0, "is off until it is enabled");
	set_cfg(MSI + 2, flags | 2 << 4 | PCI_MSI_FLAGS_ENABLE, 2);
	ok(fake.trigger[0][0] < 0 && fake.unmask < 0, "then INTx is off");
	ok(fake.trigger[kind][0] >= 0 && fake.trigger[kind][3] >= 0,
	   "the device has four eventfds");
	ok(own_get(CONFIG, MSI + 2, 2) == flags, "of which its own MSI knows nothing");
	ok(!irqfd_of(fake.trigger[kind][0]) && sends(kind, 1, MESSAGE, 0x4041) &&
	   !irqfd_of(fake.trigger[kind][2]), "the one that is not masked is delivered");

	eventfd_write(fake.trigger[kind][2], 1);
	ok(cfg32(MSI + 20) == BIT(2), "what comes while it is masked is pending");
	set_cfg(MSI + 16, 0, 4);
	ok(sends(kind, 2, MESSAGE, 0x4042) && sends(kind, 0, MESSAGE, 0x4040) &&
	   sends(kind, 3, MESSAGE, 0x4043), "and goes when it is not");
	set_cfg(MSI + 16, 2, 4);
	ok(!irqfd_of(fake.trigger[kind][1]) && irqfd_of(fake.trigger[kind][0]),
	   "one is masked again");
	set_cfg(MSI + 16, 0, 4);
	set_cfg(MSI + 12, 0x5050, 2);
	ok(sends(kind, 1, MESSAGE, 0x5051), "a message can be changed");
	set_cfg(MSI + 2, flags, 2);
	ok(fake.trigger[kind][0] < 0 && fake.trigger[0][0] >= 0 && fake.unmask >= 0,
	   "disabled, INTx is back");
}

static void table(unsigned int v, u32 address, u32 data, u32 control)
{
	u64 at = bar(2) + TABLE + v * PCI_MSIX_ENTRY_SIZE;

	mmio_write(vm, at, address, 8);
	mmio_write(vm, at + 8, (u64)control << 32 | data, 8);
}

static void test_msix(void)
{
	const u32 kind = VFIO_PCI_MSIX_IRQ_INDEX;
	u64 at = bar(2) + TABLE;

	ok(cfg_read(vm, SLOT, MSIX + 2, 2) == NR_MSIX - 1, "MSI-X for six");
	ok(mmio_read(vm, at + 12, 4) == PCI_MSIX_ENTRY_CTRL_MASKBIT, "masked at first");
	table(0, MESSAGE, 0x61, 0);
	table(5, MESSAGE + 0x1000, 0x66, 1);
	ok(mmio_read(vm, at + 8, 4) == 0x61, "its table is read back");
	ok(!own_get(2, TABLE + 8, 4), "and is not the device's");
	set_cfg(MSIX + 2, PCI_MSIX_FLAGS_ENABLE | PCI_MSIX_FLAGS_MASKALL, 2);
	ok(fake.trigger[0][0] < 0 && fake.trigger[kind][NR_MSIX - 1] >= 0 &&
	   !irqfd_of(fake.trigger[kind][0]), "enabled and masked");
	set_cfg(MSIX + 2, PCI_MSIX_FLAGS_ENABLE, 2);
	ok(sends(kind, 0, MESSAGE, 0x61) && !irqfd_of(fake.trigger[kind][5]), "one is delivered");
	eventfd_write(fake.trigger[kind][5], 1);
	ok(mmio_read(vm, bar(2) + PBA, 8) == BIT(5), "one is pending");
	table(5, MESSAGE + 0x1000, 0x66, 0);
	ok(sends(kind, 5, MESSAGE + 0x1000, 0x66), "and goes out");
	mmio_write(vm, at + 2, 0xffff, 2);
	ok(mmio_read(vm, at, 4) == MESSAGE, "no access by halves");
	set_cfg(MSIX + 2, 0, 2);
	ok(fake.trigger[kind][0] < 0 && fake.trigger[0][0] >= 0, "disabled, INTx is back");

	fake.fail = VFIO_DEVICE_SET_IRQS;
	fake.fail_index = kind;
	set_cfg(MSIX + 2, PCI_MSIX_FLAGS_ENABLE, 2);
	ok(vm->stop == VMM_STOPPED && strstr(vm->stop_text, "interrupts"),
	   "a device that does not go along is the end");
	fake.fail = 0;
}

static void test_notices(void)
{
	make_device();
	ok(!begin(1) && fake.trigger[VFIO_PCI_REQ_IRQ_INDEX][0] >= 0, "the host can ask for it");
	vfio_serve(vm);
	ok(vm->stop < 0, "and has not");
	eventfd_write(fake.trigger[VFIO_PCI_REQ_IRQ_INDEX][0], 1);
	vfio_serve(vm);
	ok(vm->stop == VMM_STOPPED && strstr(vm->stop_text, "wants the device back"),
	   "when it does, the guest ends");
	end();
	make_device();
	begin(1);
	eventfd_write(fake.trigger[VFIO_PCI_ERR_IRQ_INDEX][0], 1);
	vfio_serve(vm);
	ok(strstr(vm->stop_text, "cannot recover"), "so it does when the device is broken");
	end();
}

/* It must not begin, and say so; all that was opened must be closed. */
static void refused(const char *what, const char *text)
{
	unsigned int fds = open_fds();
	bool good = begin(1) && strstr(vl_message(), text);

	if (!good)
		printf("# %s\n", vl_message());
	end();
	ok(good && open_fds() == fds, what);
	make_device();
}

static void fails(unsigned long req, int err, const char *what, const char *text)
{
	fake.fail = req;
	fake.fail_errno = err;
	refused(what, text);
}

static void test_errors(void)
{
	char good[sizeof(name)];

	make_device();
	strcpy(good, name);
	strcat(name, "-not");
	refused("a device that is not there", "No such file");
	strcpy(name, "6e0c1a52-not");
	refused("nor by its name", "neither a mediated device");
	strcpy(name, fake.dir);
	refused("a folder that is no device", "in no IOMMU group");
	strcpy(name, good);

	fake_link("dev/iommu_group", "../groups/8");
	refused("a device that VFIO does not have", "bound to a VFIO driver");
	fake_link("dev/iommu_group", "../groups/7");
	vfio_folder = "/nowhere";
	refused("no VFIO", "is the module vfio loaded");
	vfio_folder = fake.dir;
	fake.type1 = 0;
	refused("no type 1 IOMMU", "vfio_iommu_type1");
	fake.viable = false;
	refused("a group that is not viable", "not viable");
	fails(VFIO_GET_API_VERSION, EINVAL, "another VFIO", "another version");
	fails(VFIO_GROUP_GET_STATUS, EIO, "a group without a status", "status");
	fails(VFIO_GROUP_SET_CONTAINER, EBUSY, "a container that does not take it", "take it");
	fails(VFIO_SET_IOMMU, EPERM, "an IOMMU that does not", "type 1");
	fails(VFIO_IOMMU_MAP_DMA, ENOMEM, "too much to lock", "ulimit -l");
	fails(VFIO_IOMMU_MAP_DMA, EINVAL, "memory that cannot be mapped", "for DMA");
	fails(VFIO_GROUP_GET_DEVICE_FD, ENODEV, "a group without the device", "the device");
	fails(VFIO_DEVICE_GET_INFO, EIO, "a device that says nothing", "information");
	fails(VFIO_DEVICE_GET_REGION_INFO, EIO, "nor of its regions", "configuration");
	fake.device_flags = VFIO_DEVICE_FLAGS_RESET;
	refused("a device that is not PCI", "not a PCI device");
	own_set(CONFIG, PCI_HEADER_TYPE, 1, 1);
	refused("a bridge", "bridge");
	fake.size[0] = 2 * GIB;
	refused("a BAR that is too large", "BAR 0 is too large");
	fake.size[2] = 512 * MIB;
	fake.size[0] = 512 * MIB;
	refused("two that are together", "no room");
	fake.size[2] = 3 * 4096;
	refused("a BAR of an odd size", "makes no sense");
	fake.fail_index = VFIO_PCI_REQ_IRQ_INDEX;
	fails(VFIO_DEVICE_SET_IRQS, EIO, "a device that cannot be asked for", "notices");

	fake.fail = VFIO_DEVICE_SET_IRQS;
	fake.fail_index = VFIO_PCI_INTX_IRQ_INDEX;
	ok(!begin(1) && !cfg_read(vm, SLOT, PCI_INTERRUPT_PIN, 1),
	   "without a line that it may have, it has messages");
	end();
	make_device();
	fake.irqs[VFIO_PCI_MSI_IRQ_INDEX] = 0;
	fake.irqs[VFIO_PCI_MSIX_IRQ_INDEX] = 0;
	fake.fail_index = VFIO_PCI_INTX_IRQ_INDEX;
	fails(VFIO_DEVICE_SET_IRQS, EBUSY, "without messages, it must have it", "INTx");
	fake.fail = 0;
}

/* Links that go in circles, and a table that is nowhere. */
static void test_damage(void)
{
	make_device();
	cap(VENDOR, PCI_CAP_ID_VNDR, PM);
	own_set(CONFIG, MSIX + 4, 0x10000 | 2, 4);
	ok(!begin(1), "a list in circles");
	ok(cfg_read(vm, SLOT, PCI_CAPABILITY_LIST, 1) == MSI &&
	   cfg_read(vm, SLOT, MSI + 1, 1) == VENDOR && !cfg_read(vm, SLOT, VENDOR + 1, 1),
	   "has an end here");
	ok(!cfg_read(vm, SLOT, MSIX, 1), "a table that is nowhere is not shown");
	end();
}

static void test_memory(void)
{
	make_device();
	ok(!begin(2), "two devices of a group");
	ok(fake.maps == 1 && fake.map.iova == 0 && fake.map.size == MEM &&
	   fake.map.vaddr == (uintptr_t)vm->mem.region[0].hva &&
	   fake.map.flags == (VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE),
	   "see the guest's memory, mapped once");
	ok(vm->mem.pinned, "which stays where it is");
	test_overlap();
	end();
	fake_link("dev/driver", "../drivers/vgpu_mdev");
	begin(1);
	ok(!vm->mem.pinned, "unless a device does not pin it");
	end();
}

int main(void)
{
	unsigned int fds;

	fake_init();
	snprintf(name, sizeof(name), "%s/dev", fake.dir);
	fds = open_fds();
	make_device();
	ok(!begin(1), "a device is passed through");
	ok(fake.resets == 1, "after a reset");
	test_config();
	test_bars();
	test_intx();
	test_msi();
	test_msix();
	end();
	ok(fake.resets == 2, "it is reset in the end");
	ok(!slot_at(0xd0000000), "its memory is gone");
	ok(open_fds() == fds, "and all is closed");
	test_sparse();
	test_notices();
	test_memory();
	test_damage();
	test_errors();
	fake_exit();
	return tap_done();
}
