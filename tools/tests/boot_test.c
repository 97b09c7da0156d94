// SPDX-License-Identifier: GPL-2.0
/*
 * The loader on good and bad images.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../lib/virtlite.h"
#include "../vmm/boot.h"
#include "../vmm/layout.h"
#include "tap.h"

#define SECTS		3
#define PAYLOAD_OFF	((SECTS + 1) * 512)
#define PAYLOAD		8192
#define IMAGE		(PAYLOAD_OFF + PAYLOAD)

static u8 image[IMAGE];

static struct setup_header *header(void)
{
	return (struct setup_header *)(image + 0x1f1);
}

/* An image with which nothing is wrong. */
static void fresh(void)
{
	struct setup_header *h = header();

	memset(image, 0, sizeof(image));
	image[0x200] = 0xeb;
	image[0x201] = 0x6a;	/* the header ends at 0x26c */
	h->setup_sects = SECTS;
	h->syssize = PAYLOAD / 16;
	h->boot_flag = 0xaa55;
	h->header = 0x53726448;
	h->version = 0x020f;
	h->loadflags = LOADED_HIGH;
	h->xloadflags = XLF_KERNEL_64;
	h->initrd_addr_max = 0x7fffffff;
	h->cmdline_size = 2047;
	h->pref_address = 16 * MIB;
	h->init_size = 8 * MIB;
	memset(image + PAYLOAD_OFF, 0x5a, PAYLOAD);
}

static int parse(void)
{
	struct bzimage b;

	return bzimage_parse(&b, image, BZIMAGE_HEAD, sizeof(image), "image");
}

static bool says(const char *text)
{
	return strstr(vl_message(), text);
}

static void test_parse(void)
{
	struct bzimage b;

	fresh();
	ok(!bzimage_parse(&b, image, BZIMAGE_HEAD, IMAGE, "image") &&
	   b.payload_off == PAYLOAD_OFF && b.payload_size == PAYLOAD &&
	   b.load == 16 * MIB && b.entry == 16 * MIB + 0x200 &&
	   b.need == 8 * MIB, "a good image");
	ok(!bzimage_parse(&b, image, BZIMAGE_HEAD, IMAGE - 15, "image") &&
	   b.payload_size == PAYLOAD - 15, "the last paragraph may be short");

	ok(bzimage_parse(&b, image, 100, 100, "image") == -ENOEXEC &&
	   says("too short"), "a file of 100 bytes");
	ok(bzimage_parse(&b, image, BZIMAGE_HEAD, IMAGE - 4096, "image") ==
	   -ENOEXEC && says("truncated"), "a truncated file");
	ok(bzimage_parse(&b, image, BZIMAGE_HEAD, 600, "image") == -ENOEXEC,
	   "a file that ends in the setup part");

	header()->boot_flag = 0;
	ok(parse() == -ENOEXEC && says("not a bzImage"), "no boot flag");
	fresh();
	header()->header = 0;
	ok(parse() == -ENOEXEC && says("not a bzImage"), "no HdrS");
	fresh();
	header()->version = 0x020b;
	ok(parse() == -ENOEXEC && says("2.11"), "a protocol too old");
	fresh();
	image[0x201] = 0x20;
	ok(parse() == -ENOEXEC, "a header too short for its protocol");
	fresh();
	image[0x201] = 0;
	ok(parse() == -ENOEXEC, "a header without fields");
	fresh();
	header()->loadflags = 0;
	ok(parse() == -ENOEXEC && says("zImage"), "a zImage");
	fresh();
	header()->xloadflags = 0;
	ok(parse() == -ENOEXEC && says("64-bit"), "a 32-bit kernel");
	fresh();
	header()->syssize = 0;
	ok(parse() == -ENOEXEC, "no payload");
	fresh();
	header()->syssize = ~0U;
	ok(parse() == -ENOEXEC && says("truncated"), "a payload of 64 GiB");
	fresh();
	header()->pref_address = 0;
	ok(parse() == -ENOEXEC, "a load address of 0");
	fresh();
	header()->pref_address = ~0ULL - 4096;
	ok(parse() == -ENOEXEC, "a load address that wraps around");
	fresh();
	header()->pref_address = HOLE_START - MIB;
	ok(parse() == -ENOEXEC, "a load address in the device hole");
}

static void test_noise(void)
{
	struct bzimage b;
	bool good = true;

	srand(1);
	for (unsigned int i = 0; i < 100000; i++) {
		fresh();
		for (unsigned int n = rand() % 8 + 1; n; n--)
			image[0x1f1 + rand() % 0x90] = rand();
		if (bzimage_parse(&b, image, BZIMAGE_HEAD, IMAGE, "image"))
			continue;
		good &= b.payload_off + b.payload_size <= IMAGE &&
			b.load >= HIGH_MEMORY && b.need >= b.payload_size &&
			b.load + b.need <= HOLE_START;
	}
	ok(good, "noise: what is accepted lies in the file and in memory");
}

static void write_file(const char *path, const void *data, size_t len)
{
	FILE *f = fopen(path, "w");

	if (!f || fwrite(data, 1, len, f) != len || fclose(f)) {
		perror(path);
		exit(1);
	}
}

static int load(u64 mem_size, const char *initrd, const char *cmdline,
		struct memory *mem)
{
	struct boot boot;
	int ret;

	if (memory_init(mem, mem_size))
		exit(1);
	write_file("kernel", image, sizeof(image));
	ret = boot_load(&boot, mem, "kernel", initrd, cmdline, ACPI_START);
	if (!ret && (boot.entry != 16 * MIB + 0x200 ||
		     boot.params != BOOT_PARAMS))
		ret = 1;
	return ret;
}

static int load_only(u64 mem_size, const char *initrd, const char *cmdline)
{
	struct memory mem;
	int ret = load(mem_size, initrd, cmdline, &mem);

	memory_exit(&mem);
	return ret;
}

static void test_loaded(void)
{
	const struct boot_params *bp;
	const u8 *initrd;
	struct memory mem;
	u64 addr;

	fresh();
	write_file("initrd", "contents", 8);
	ok(!load(5 * GIB, "initrd", "a b", &mem), "a kernel and an initrd load");
	bp = memory_ptr(&mem, BOOT_PARAMS, sizeof(*bp));
	ok(!memcmp(memory_ptr(&mem, 16 * MIB, PAYLOAD), image + PAYLOAD_OFF,
		   PAYLOAD), "the payload is at its address");
	ok(!strcmp(memory_ptr(&mem, bp->hdr.cmd_line_ptr, 4), "a b"),
	   "the command line is where the zero page says");
	ok(bp->acpi_rsdp_addr == ACPI_START && bp->hdr.type_of_loader == 0xff,
	   "the zero page is filled");

	addr = bp->hdr.ramdisk_image;
	initrd = memory_ptr(&mem, addr, 8);
	ok(bp->hdr.ramdisk_size == 8 && initrd &&
	   !memcmp(initrd, "contents", 8), "the initrd is there");
	ok(addr % 4096 == 0 && addr + 8 <= 0x80000000ULL && addr >= 24 * MIB,
	   "below what the kernel can reach, above the kernel");

	ok(bp->e820_entries == 5 &&
	   bp->e820_table[3].addr + bp->e820_table[3].size == 3 * GIB &&
	   bp->e820_table[4].addr == 4 * GIB &&
	   bp->e820_table[4].size == 2 * GIB, "memory goes on above the hole");
	memory_exit(&mem);
}

static void test_refused(void)
{
	char *big = calloc(1, 2 * MIB);
	char line[2060];

	fresh();
	ok(load_only(16 * MIB, NULL, "") == -ENOMEM && says("24 MiB"),
	   "too little memory, and how much is needed");
	ok(load_only(2 * MIB, NULL, "") == -ENOMEM, "nearly no memory");
	ok(!load_only(24 * MIB, NULL, ""), "just enough memory");

	write_file("initrd", big, 2 * MIB);
	ok(load_only(25 * MIB, "initrd", "") == -ENOMEM && says("initrd"),
	   "no room for the initrd");
	ok(!load_only(26 * MIB, "initrd", ""), "just room for it");
	write_file("initrd", "", 0);
	ok(load_only(64 * MIB, "initrd", "") == -EINVAL && says("empty"),
	   "an empty initrd");
	ok(load_only(64 * MIB, "nothing", "") == -ENOENT && says("nothing"),
	   "no initrd");
	ok(load_only(64 * MIB, ".", "") == -EINVAL, "an initrd that is a folder");

	memset(line, 'x', sizeof(line));
	line[2047] = '\0';
	ok(!load_only(64 * MIB, NULL, line), "the longest command line");
	line[2047] = 'x';
	line[2048] = '\0';
	ok(load_only(64 * MIB, NULL, line) == -E2BIG, "one byte more");
	free(big);
}

int main(void)
{
	char dir[] = "/tmp/boot_test.XXXXXX";

	if (!mkdtemp(dir) || chdir(dir)) {
		perror(dir);
		return 1;
	}
	test_parse();
	test_noise();
	test_loaded();
	test_refused();
	unlink("kernel");
	unlink("initrd");
	if (chdir("/") || rmdir(dir))
		perror(dir);
	return tap_done();
}
