// SPDX-License-Identifier: GPL-2.0
/*
 * ACPI tables: enough for an operating system to find the CPUs, the interrupt
 * controllers, the PCI bus and the way to switch the machine off.
 */
#include <assert.h>
#include <errno.h>
#include <string.h>

#include "../lib/virtlite.h"
#include "acpi.h"
#include "aml.h"
#include "layout.h"

/* Section numbers are those of ACPI 6.5. */

/* Generic address, 5.2.3.2. */
struct acpi_gas {
	u8 space;
	u8 bits;
	u8 offset;
	u8 access;
	u64 address;
} __attribute__((packed));

#define GAS_IO	1

/* Root pointer, 5.2.5.3. */
struct acpi_rsdp {
	char signature[8];
	u8 checksum;
	char oem_id[6];
	u8 revision;
	u32 rsdt;
	u32 length;
	u64 xsdt;
	u8 extended_checksum;
	u8 reserved[3];
} __attribute__((packed));

#define RSDP_V1_SIZE	20

struct acpi_xsdt {
	struct acpi_header h;
	u64 table[2];
} __attribute__((packed));

/* Fixed description, 5.2.9. */
struct acpi_fadt {
	struct acpi_header h;
	u32 facs;
	u32 dsdt;
	u8 reserved0;
	u8 pm_profile;
	u16 sci_int;
	u32 smi_cmd;
	u8 acpi_enable, acpi_disable, s4bios_req, pstate_cnt;
	u32 pm1a_evt, pm1b_evt, pm1a_cnt, pm1b_cnt;
	u32 pm2_cnt, pm_tmr, gpe0, gpe1;
	u8 pm1_evt_len, pm1_cnt_len, pm2_cnt_len, pm_tmr_len;
	u8 gpe0_len, gpe1_len, gpe1_base, cst_cnt;
	u16 c2_latency, c3_latency;
	u16 flush_size, flush_stride;
	u8 duty_offset, duty_width;
	u8 day_alarm, month_alarm, century;
	u16 boot_arch;
	u8 reserved1;
	u32 flags;
	struct acpi_gas reset;
	u8 reset_value;
	u16 arm_boot_arch;
	u8 minor;
	u64 x_facs, x_dsdt;
	struct acpi_gas x_pm1a_evt, x_pm1b_evt, x_pm1a_cnt, x_pm1b_cnt;
	struct acpi_gas x_pm2_cnt, x_pm_tmr, x_gpe0, x_gpe1;
	struct acpi_gas sleep_control, sleep_status;
	u64 hypervisor;
} __attribute__((packed));

static_assert(sizeof(struct acpi_fadt) == 276, "FADT");

#define FADT_WBINVD		BIT(0)
#define FADT_PROC_C1		BIT(2)
#define FADT_PWR_BUTTON		BIT(4)	/* no fixed button */
#define FADT_SLP_BUTTON		BIT(5)
#define FADT_TMR_VAL_EXT	BIT(8)
#define FADT_RESET_REG_SUP	BIT(10)
#define BOOT_LEGACY_DEVICES	BIT(0)
#define BOOT_VGA_NOT_PRESENT	BIT(2)
#define C2_ABSENT		101	/* latencies above the limits */
#define C3_ABSENT		1001

/* Firmware control, 5.2.10: not a table, has no checksum. */
struct acpi_facs {
	char signature[4];
	u32 length;
	u32 hardware_signature;
	u32 waking_vector;
	u32 global_lock;
	u32 flags;
	u64 x_waking_vector;
	u8 version;
	u8 reserved[31];
} __attribute__((packed));

/* Interrupt controllers, 5.2.12. */
struct acpi_madt {
	struct acpi_header h;
	u32 lapic;
	u32 flags;
} __attribute__((packed));

struct madt_lapic {
	u8 type, length, uid, apic_id;
	u32 flags;
} __attribute__((packed));

struct madt_ioapic {
	u8 type, length, id, reserved;
	u32 address;
	u32 gsi_base;
} __attribute__((packed));

struct madt_override {
	u8 type, length, bus, source;
	u32 gsi;
	u16 flags;
} __attribute__((packed));

struct madt_nmi {
	u8 type, length, uid;
	u16 flags;
	u8 lint;
} __attribute__((packed));

#define MADT_PCAT_COMPAT	1
#define LAPIC_ENABLED		1
#define MPS_ACTIVE_HIGH		1
#define MPS_LEVEL		(3 << 2)

/**
 * struct area - the place that is being filled
 * @mem: guest RAM
 * @next: next free address
 */
struct area {
	const struct memory *mem;
	u64 next;
};

/**
 * acpi_sum() - sum of bytes, which a table makes 0
 * @p: bytes
 * @len: how many
 */
u8 acpi_sum(const void *p, size_t len)
{
	const u8 *b = p;
	u8 sum = 0;

	while (len--)
		sum += *b++;
	return sum;
}

static void header(struct acpi_header *h, const char *signature, u8 revision,
		   u32 length)
{
	memset(h, 0, sizeof(*h));
	memcpy(h->signature, signature, sizeof(h->signature));
	h->length = length;
	h->revision = revision;
	memcpy(h->oem_id, "VIRTLT", sizeof(h->oem_id));
	memcpy(h->oem_table_id, "VIRTLITE", sizeof(h->oem_table_id));
	h->oem_revision = 1;
	memcpy(h->creator_id, "VLTE", sizeof(h->creator_id));
	h->creator_revision = 1;
}

/* Room for a table, 64-byte aligned as the FACS must be. 0: it is full. */
static u64 reserve(struct area *a, size_t len, void *p)
{
	u64 addr = ALIGN(a->next, 64ULL);

	if (len > ACPI_END - addr)
		return 0;
	*(void **)p = memory_ptr(a->mem, addr, len);
	if (!*(void **)p)
		return 0;
	a->next = addr + len;
	return addr;
}

static void seal(struct acpi_header *h)
{
	h->checksum = 0;
	h->checksum = -acpi_sum(h, h->length);
}

static void add_pci(struct aml *a)
{
	aml_device(a, "PCI0");
	aml_name(a, "_HID");
	aml_eisa_id(a, "PNP0A03");
	aml_name(a, "_UID");
	aml_int(a, 0);
	aml_name(a, "_BBN");
	aml_int(a, 0);

	/* Configuration ports are the bridge's own; the rest it passes on. */
	aml_name(a, "_CRS");
	aml_resources(a);
	aml_window16(a, AML_BUS, 0, 0);
	aml_io_port(a, PCI_CONFIG_PORT, 8);
	aml_window16(a, AML_IO, 0, PCI_CONFIG_PORT - 1);
	aml_window16(a, AML_IO, PCI_CONFIG_PORT + 8, 0xffff);
	aml_window32(a, AML_MEMORY, PCI_MMIO_START, PCI_MMIO_END - 1);
	aml_close_resources(a);

	/* INTA# of each slot, hard-wired to a pin of the I/O APIC. */
	aml_name(a, "_PRT");
	aml_package(a, 32);
	for (u32 slot = 0; slot < 32; slot++) {
		aml_package(a, 4);
		aml_int(a, slot << 16 | 0xffff);
		aml_int(a, 0);
		aml_int(a, 0);
		aml_int(a, GSI_PCI + slot % GSI_PCI_NR);
		aml_close(a);
	}
	aml_close(a);
	aml_close(a);
}

static void add_isa(struct aml *a)
{
	aml_device(a, "COM1");
	aml_name(a, "_HID");
	aml_eisa_id(a, "PNP0501");
	aml_name(a, "_UID");
	aml_int(a, 0);
	aml_name(a, "_CRS");
	aml_resources(a);
	aml_io_port(a, COM1_PORT, 8);
	aml_irq(a, IRQ_COM1);
	aml_close_resources(a);
	aml_close(a);

	aml_device(a, "RTC0");
	aml_name(a, "_HID");
	aml_eisa_id(a, "PNP0B00");
	aml_name(a, "_CRS");
	aml_resources(a);
	aml_io_port(a, RTC_PORT, 2);
	aml_close_resources(a);
	aml_close(a);
}

static u64 build_dsdt(struct area *area)
{
	struct aml a = {};
	struct acpi_header *h;
	u64 addr;

	aml_name(&a, "_S5_");
	aml_package(&a, 4);
	aml_int(&a, PM_SLP_TYP_S5);
	aml_int(&a, 0);
	aml_int(&a, 0);
	aml_int(&a, 0);
	aml_close(&a);

	aml_scope(&a, "\\_SB_");
	add_pci(&a);
	add_isa(&a);
	aml_close(&a);
	if (a.overflow || a.depth)
		return 0;

	addr = reserve(area, sizeof(*h) + a.len, &h);
	if (!addr)
		return 0;
	header(h, "DSDT", 2, sizeof(*h) + a.len);
	memcpy(h + 1, a.buf, a.len);
	seal(h);
	return addr;
}

static struct acpi_gas gas(u16 port, u8 bytes)
{
	return (struct acpi_gas){
		.space = GAS_IO,
		.bits = bytes * 8,
		.access = bytes == 4 ? 3 : bytes,
		.address = port,
	};
}

static u64 build_fadt(struct area *area, u64 dsdt)
{
	struct acpi_facs *facs;
	struct acpi_fadt *f;
	u64 facs_addr, addr;

	facs_addr = reserve(area, sizeof(*facs), &facs);
	addr = reserve(area, sizeof(*f), &f);
	if (!facs_addr || !addr)
		return 0;

	memset(facs, 0, sizeof(*facs));
	memcpy(facs->signature, "FACS", sizeof(facs->signature));
	facs->length = sizeof(*facs);
	facs->version = 2;

	memset(f, 0, sizeof(*f));
	header(&f->h, "FACP", 6, sizeof(*f));
	f->facs = facs_addr;
	f->dsdt = dsdt;
	f->x_dsdt = dsdt;
	f->sci_int = IRQ_SCI;
	f->pm1a_evt = PM1_EVT_PORT;
	f->pm1_evt_len = 4;
	f->x_pm1a_evt = gas(PM1_EVT_PORT, 4);
	/* The event block is two words, each accessed as such. */
	f->x_pm1a_evt.access = 2;
	f->pm1a_cnt = PM1_CNT_PORT;
	f->pm1_cnt_len = 2;
	f->x_pm1a_cnt = gas(PM1_CNT_PORT, 2);
	f->pm_tmr = PM_TMR_PORT;
	f->pm_tmr_len = 4;
	f->x_pm_tmr = gas(PM_TMR_PORT, 4);
	f->c2_latency = C2_ABSENT;
	f->c3_latency = C3_ABSENT;
	f->century = 0x32;
	f->boot_arch = BOOT_LEGACY_DEVICES | BOOT_VGA_NOT_PRESENT;
	f->flags = FADT_WBINVD | FADT_PROC_C1 | FADT_PWR_BUTTON |
		   FADT_SLP_BUTTON | FADT_TMR_VAL_EXT | FADT_RESET_REG_SUP;
	f->reset = gas(RESET_PORT, 1);
	f->reset_value = RESET_VALUE;
	seal(&f->h);
	return addr;
}

static u64 build_madt(struct area *area, unsigned int cpus)
{
	struct madt_override *o;
	struct madt_ioapic *io;
	struct madt_lapic *l;
	struct madt_nmi *nmi;
	struct acpi_madt *m;
	size_t len = sizeof(*m) + cpus * sizeof(*l) + sizeof(*io) +
		     2 * sizeof(*o) + sizeof(*nmi);
	u64 addr = reserve(area, len, &m);

	if (!addr)
		return 0;
	header(&m->h, "APIC", 5, len);
	m->lapic = LAPIC_ADDR;
	m->flags = MADT_PCAT_COMPAT;

	l = (void *)(m + 1);
	for (unsigned int i = 0; i < cpus; i++)
		*l++ = (struct madt_lapic){ 0, sizeof(*l), i, i,
					    LAPIC_ENABLED };
	io = (void *)l;
	*io++ = (struct madt_ioapic){ 1, sizeof(*io), 0, 0, IOAPIC_ADDR, 0 };

	o = (void *)io;
	*o++ = (struct madt_override){ 2, sizeof(*o), 0, IRQ_TIMER, GSI_TIMER,
				       0 };
	*o++ = (struct madt_override){ 2, sizeof(*o), 0, IRQ_SCI, IRQ_SCI,
				       MPS_ACTIVE_HIGH | MPS_LEVEL };
	nmi = (void *)o;
	*nmi = (struct madt_nmi){ 4, sizeof(*nmi), 0xff, 0, 1 };
	seal(&m->h);
	return addr;
}

/**
 * acpi_build() - put the tables into guest memory
 * @m: guest RAM, at least 1 MiB
 * @cpus: number of CPUs, whose APIC ids are 0, 1, 2…
 * @rsdp: set to the address of the root pointer, where a BIOS would have it
 */
int acpi_build(const struct memory *m, unsigned int cpus, u64 *rsdp)
{
	struct area area = { m, ACPI_START };
	struct acpi_rsdp *r;
	struct acpi_xsdt *x;
	u64 dsdt, fadt, madt, xsdt;

	*rsdp = reserve(&area, sizeof(*r), &r);
	xsdt = reserve(&area, sizeof(*x), &x);
	dsdt = build_dsdt(&area);
	fadt = build_fadt(&area, dsdt);
	madt = build_madt(&area, cpus);
	if (!*rsdp || !xsdt || !dsdt || !fadt || !madt)
		return vl_error(ENOSPC, "no room for the ACPI tables");

	header(&x->h, "XSDT", 1, sizeof(*x));
	x->table[0] = fadt;
	x->table[1] = madt;
	seal(&x->h);

	memset(r, 0, sizeof(*r));
	memcpy(r->signature, "RSD PTR ", sizeof(r->signature));
	memcpy(r->oem_id, "VIRTLT", sizeof(r->oem_id));
	r->revision = 2;
	r->length = sizeof(*r);
	r->xsdt = xsdt;
	r->checksum = -acpi_sum(r, RSDP_V1_SIZE);
	r->extended_checksum = -acpi_sum(r, sizeof(*r));
	return 0;
}
