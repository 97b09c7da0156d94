// SPDX-License-Identifier: GPL-2.0
/*
 * The ACPI tables: checksums, lengths and links; the AML by its structure and,
 * where ACPICA's disassembler is installed, by that.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../vmm/acpi.h"
#include "../vmm/aml.h"
#include "../vmm/layout.h"
#include "tap.h"

static u64 get(const void *p, size_t off, size_t len)
{
	u64 v = 0;

	memcpy(&v, (const u8 *)p + off, len);
	return v;
}

static struct acpi_header *table(const struct memory *m, u64 addr,
				 const char *signature)
{
	struct acpi_header *h = memory_ptr(m, addr, sizeof(*h));

	if (!h || memcmp(h->signature, signature, 4) ||
	    !memory_ptr(m, addr, h->length) || acpi_sum(h, h->length))
		return NULL;
	return addr >= ACPI_START && addr + h->length <= ACPI_END ? h : NULL;
}

/* The end of the object whose length field is at @p, as the field says. */
static const u8 *object_end(const u8 *p)
{
	unsigned int more = *p >> 6, len = *p & 0xf;

	if (!more)
		return p + (*p & 0x3f);
	for (unsigned int i = 0; i < more; i++)
		len |= p[1 + i] << (4 + 8 * i);
	return p + len;
}

static void test_tables(unsigned int cpus)
{
	struct acpi_header *xsdt, *fadt, *madt, *dsdt;
	unsigned int lapics = 0, others = 0;
	struct memory m;
	const u8 *rsdp, *p;
	u64 addr;

	printf("# %u CPUs\n", cpus);
	if (memory_init(&m, 2 * MIB))
		exit(1);
	ok(!acpi_build(&m, cpus, &addr), "tables are built");
	rsdp = memory_ptr(&m, addr, 36);
	ok(addr % 16 == 0 && !memcmp(rsdp, "RSD PTR ", 8),
	   "the root pointer is where a scan finds it");
	ok(!acpi_sum(rsdp, 20) && !acpi_sum(rsdp, 36),
	   "both its checksums are right");

	xsdt = table(&m, get(rsdp, 24, 8), "XSDT");
	ok(xsdt && xsdt->length == 36 + 2 * 8, "XSDT");
	fadt = table(&m, get(xsdt, 36, 8), "FACP");
	ok(fadt, "FADT");
	madt = table(&m, get(xsdt, 44, 8), "APIC");
	ok(madt, "MADT");
	dsdt = table(&m, get(fadt, 140, 8), "DSDT");
	ok(dsdt && get(fadt, 40, 4) == get(fadt, 140, 8), "DSDT");

	addr = get(fadt, 36, 4);
	ok(addr % 64 == 0 && !memcmp(memory_ptr(&m, addr, 64), "FACS", 4),
	   "FACS");
	ok(get(fadt, 64, 4) == PM1_CNT_PORT && get(fadt, 89, 1) == 2 &&
	   get(fadt, 46, 2) == IRQ_SCI, "the way to switch off");
	ok(get(fadt, 112, 4) & 1 << 10 && get(fadt, 120, 8) == RESET_PORT &&
	   get(fadt, 128, 1) == RESET_VALUE, "the way to reset");

	p = (const u8 *)madt + 44;
	while (p < (const u8 *)madt + madt->length && p[1]) {
		if (p[0])
			others |= 1 << p[0];
		else if (p[3] == lapics && p[4] == 1)
			lapics++;
		p += p[1];
	}
	ok(lapics == cpus && p == (const u8 *)madt + madt->length,
	   "a local APIC for each CPU, in order");
	ok(others == (1 << 1 | 1 << 2 | 1 << 4),
	   "an I/O APIC, overrides, an NMI line");

	/* Name (_S5_, Package…) and Scope (\_SB_, …) fill the DSDT. */
	p = (const u8 *)(dsdt + 1);
	ok(!memcmp(p, "\x08_S5_\x12", 6) && p[11] == PM_SLP_TYP_S5, "_S5");
	p = object_end(p + 6);
	ok(!memcmp(p, "\x10", 1) &&
	   object_end(p + 1) == (const u8 *)dsdt + dsdt->length,
	   "the lengths in the AML add up");
	memory_exit(&m);
}

static void test_disassembler(void)
{
	char dir[] = "/tmp/acpi_test.XXXXXX", cmd[256];
	struct acpi_header *dsdt;
	const u8 *rsdp;
	struct memory m;
	u64 addr;
	FILE *f;

	if (system("iasl -v >/dev/null 2>&1")) {
		skip("ACPICA reads the DSDT", "iasl is not installed");
		return;
	}
	if (!mkdtemp(dir) || memory_init(&m, 2 * MIB) ||
	    acpi_build(&m, 2, &addr))
		exit(1);
	rsdp = memory_ptr(&m, addr, 36);
	addr = get(memory_ptr(&m, get(rsdp, 24, 8), 52), 36, 8);
	addr = get(memory_ptr(&m, addr, 276), 140, 8);
	dsdt = memory_ptr(&m, addr, sizeof(*dsdt));

	snprintf(cmd, sizeof(cmd), "%s/dsdt.dat", dir);
	f = fopen(cmd, "w");
	if (!f || fwrite(dsdt, dsdt->length, 1, f) != 1 || fclose(f))
		exit(1);
	/* What it reads it must also be able to compile again. */
	snprintf(cmd, sizeof(cmd),
		 "cd %s && iasl -d dsdt.dat >log 2>&1 && iasl dsdt.dsl >log 2>&1 && grep -q ' 0 Errors, 0 Warnings' log",
		 dir);
	ok(!system(cmd), "ACPICA reads the DSDT");
	snprintf(cmd, sizeof(cmd), "rm -r %s", dir);
	if (system(cmd))
		perror(dir);
	memory_exit(&m);
}

static void test_assembler(void)
{
	static struct aml a;

	memset(&a, 0, sizeof(a));
	aml_eisa_id(&a, "PNP0A03");
	ok(a.len == 5 && !memcmp(a.buf, "\x0c\x41\xd0\x0a\x03", 5),
	   "a compressed EISA identifier");
	a.len = 0;
	aml_int(&a, 1);
	aml_int(&a, 2);
	aml_int(&a, 0x1234);
	aml_int(&a, 0x12345678);
	ok(a.len == 11 &&
	   !memcmp(a.buf, "\x01\x0a\x02\x0b\x34\x12\x0c\x78\x56\x34\x12", 11),
	   "integers take what they need");

	memset(&a, 0, sizeof(a));
	for (unsigned int i = 0; i < AML_MAX; i++)
		aml_int(&a, 0x1234);
	ok(a.overflow && a.len <= AML_MAX, "too much is noticed");
	memset(&a, 0, sizeof(a));
	aml_close(&a);
	ok(a.overflow, "so is a close too many");
}

int main(void)
{
	test_tables(1);
	test_tables(MAX_CPUS);
	test_assembler();
	test_disassembler();
	return tap_done();
}
