// SPDX-License-Identifier: GPL-2.0
/*
 * Loading Linux by the 64-bit boot protocol (Documentation/arch/x86/boot.rst):
 * the loader does what the real-mode part of the image would have done, and
 * jumps to the payload in long mode, identity-mapped.
 */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../lib/virtlite.h"
#include "boot.h"
#include "layout.h"

#define SETUP_HEADER	0x1f1		/* in the file and in the zero page */
#define SETUP_JUMP	0x201		/* its operand gives the header's end */
#define BOOT_FLAG	0xaa55
#define HDRS_MAGIC	0x53726448	/* "HdrS" */
#define SECTOR		512
#define ENTRY_64	0x200		/* from the start of the payload */
#define E820_RAM	1
#define E820_RESERVED	2
#define TYPE_UNKNOWN	0xff		/* a boot loader without a number */

/* 2.12 is the first whose xloadflags say whether there is a 64-bit entry. */
#define MIN_PROTOCOL	0x020c

static_assert(offsetof(struct boot_params, hdr) == SETUP_HEADER, "zero page");

/**
 * bzimage_parse() - check a bzImage and find its parts
 * @b: to be filled
 * @head: the file's first bytes
 * @head_size: how many there are, up to BZIMAGE_HEAD
 * @file_size: size of the whole file
 * @name: for messages
 *
 * Return: 0, or -ENOEXEC with the reason.
 */
int bzimage_parse(struct bzimage *b, const void *head, size_t head_size,
		  u64 file_size, const char *name)
{
	const u8 *p = head;
	unsigned int sects;
	size_t end;

	memset(b, 0, sizeof(*b));
	if (head_size < SETUP_HEADER + sizeof(b->hdr))
		return vl_error(ENOEXEC, "%s is too short for a bzImage", name);

	/* The header ends where the jump over it lands; an older image has a
	 * shorter one, and what follows there is not ours to read.
	 */
	end = SETUP_JUMP + 1 + p[SETUP_JUMP];
	b->hdr_size = min_t(size_t, end - SETUP_HEADER, sizeof(b->hdr));
	memcpy(&b->hdr, p + SETUP_HEADER, b->hdr_size);

	if (b->hdr.boot_flag != BOOT_FLAG || b->hdr.header != HDRS_MAGIC)
		return vl_error(ENOEXEC, "%s is not a bzImage", name);
	if (b->hdr.version < MIN_PROTOCOL ||
	    b->hdr_size < offsetof(struct setup_header, handover_offset))
		return vl_error(ENOEXEC,
				"%s has boot protocol %u.%02u, older than 2.12",
				name, b->hdr.version >> 8,
				b->hdr.version & 0xff);
	if (!(b->hdr.loadflags & LOADED_HIGH))
		return vl_error(ENOEXEC, "%s is a zImage, not a bzImage", name);
	if (!(b->hdr.xloadflags & XLF_KERNEL_64))
		return vl_error(ENOEXEC, "%s has no 64-bit entry point", name);

	sects = b->hdr.setup_sects ? b->hdr.setup_sects : 4;
	b->payload_off = (sects + 1) * SECTOR;
	b->payload_size = (u64)b->hdr.syssize * 16;
	/* syssize is rounded up, so the file may lack a few bytes of it. */
	if (b->payload_size < SECTOR + ENTRY_64 ||
	    file_size < b->payload_off ||
	    file_size - b->payload_off + 16 < b->payload_size)
		return vl_error(ENOEXEC, "%s is truncated: %llu bytes of %llu",
				name, (unsigned long long)file_size,
				(unsigned long long)(b->payload_off +
						     b->payload_size));
	b->payload_size = min_t(u64, b->payload_size,
				file_size - b->payload_off);

	b->load = b->hdr.pref_address;
	b->need = max_t(u64, b->hdr.init_size, b->payload_size);
	if (b->load < HIGH_MEMORY || b->load >= HOLE_START ||
	    b->need > HOLE_START - b->load)
		return vl_error(ENOEXEC, "%s wants to be at %#llx", name,
				(unsigned long long)b->load);
	b->entry = b->load + ENTRY_64;
	return 0;
}

/* Open a file for loading and tell its size. */
static int open_image(const char *path, u64 *size)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return vl_error(errno, "%s", path);
	if (fstat(fd, &st) || !S_ISREG(st.st_mode)) {
		close(fd);
		return vl_error(EINVAL, "%s is not a regular file", path);
	}
	*size = st.st_size;
	return fd;
}

static int read_exactly(int fd, void *buf, u64 len, u64 off, const char *path)
{
	u8 *p = buf;

	while (len) {
		ssize_t n = pread(fd, p, len, off);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return vl_error(errno, "%s", path);
		if (!n)
			return vl_error(EIO, "%s shrank while being read",
					path);
		p += n;
		off += n;
		len -= n;
	}
	return 0;
}

static int load_kernel(struct bzimage *b, const struct memory *m,
		       const char *path)
{
	u8 head[BZIMAGE_HEAD];
	u64 size, low = m->region[0].size;
	int fd, ret;

	fd = open_image(path, &size);
	if (fd < 0)
		return fd;

	ret = read_exactly(fd, head, min_t(u64, size, sizeof(head)), 0, path);
	if (!ret)
		ret = bzimage_parse(b, head, min_t(u64, size, sizeof(head)),
				    size, path);
	if (!ret && (b->load > low || b->need > low - b->load))
		ret = vl_error(ENOMEM,
			       "%s needs at least %llu MiB of memory to start",
			       path, (unsigned long long)
			       ((b->load + b->need + MIB - 1) / MIB));
	if (!ret)
		ret = read_exactly(fd, memory_ptr(m, b->load, b->payload_size),
				   b->payload_size, b->payload_off, path);
	close(fd);
	return ret;
}

/*
 * As high as the kernel can reach: what lies directly above the kernel is used
 * by its decompressor and its early allocations.
 */
static int load_initrd(struct boot_params *bp, const struct bzimage *b,
		       const struct memory *m, const char *path)
{
	u64 limit = min_t(u64, m->region[0].size,
			  (u64)b->hdr.initrd_addr_max + 1);
	u64 floor = b->load + b->need;
	u64 size, addr;
	int fd, ret;

	fd = open_image(path, &size);
	if (fd < 0)
		return fd;

	if (!size) {
		ret = vl_error(EINVAL, "%s is empty", path);
	} else if (limit < floor || size > ALIGN_DOWN(limit - floor, 4096)) {
		ret = vl_error(ENOMEM,
			       "%s (%llu KiB) does not fit into memory beside the kernel",
			       path, (unsigned long long)(size / KIB));
	} else {
		addr = ALIGN_DOWN(limit - size, 4096);
		bp->hdr.ramdisk_image = addr;
		bp->hdr.ramdisk_size = size;
		ret = read_exactly(fd, memory_ptr(m, addr, size), size, 0,
				   path);
	}
	close(fd);
	return ret;
}

static void add_e820(struct boot_params *bp, u64 start, u64 end, u32 type)
{
	struct boot_e820_entry *e = &bp->e820_table[bp->e820_entries++];

	e->addr = start;
	e->size = end - start;
	e->type = type;
}

static void fill_e820(struct boot_params *bp, const struct memory *m)
{
	add_e820(bp, 0, EBDA_START, E820_RAM);
	add_e820(bp, EBDA_START, VGA_START, E820_RESERVED);
	add_e820(bp, ACPI_START, ACPI_END, E820_RESERVED);
	add_e820(bp, HIGH_MEMORY, m->region[0].size, E820_RAM);
	if (m->nr > 1)
		add_e820(bp, m->region[1].gpa,
			 m->region[1].gpa + m->region[1].size, E820_RAM);
}

/* Four GiB, identity-mapped by 2 MiB pages, and flat segments. */
static void fill_tables(const struct memory *m)
{
	u64 *gdt = memory_ptr(m, BOOT_GDT, 4 * sizeof(u64));
	u64 *pml4 = memory_ptr(m, BOOT_PML4, 4096);
	u64 *pdpt = memory_ptr(m, BOOT_PDPT, 4096);
	u64 *pd = memory_ptr(m, BOOT_PD, 4 * 4096);

	gdt[0] = 0;
	gdt[1] = 0;
	gdt[2] = 0x00af9b000000ffffULL;	/* __BOOT_CS: 64-bit code */
	gdt[3] = 0x00cf93000000ffffULL;	/* __BOOT_DS: data */

	pml4[0] = BOOT_PDPT | 3;
	for (u64 i = 0; i < 4; i++)
		pdpt[i] = (BOOT_PD + i * 4096) | 3;
	for (u64 i = 0; i < 4 * 512; i++)
		pd[i] = i << 21 | 0x83;
}

/**
 * boot_load() - put a kernel and all it wants to find into guest memory
 * @boot: set to where the first vCPU starts
 * @m: guest memory, at least 2 MiB
 * @kernel: path of the bzImage
 * @initrd: path of the initial ramdisk, or NULL
 * @cmdline: kernel command line
 * @rsdp: address of the ACPI root pointer
 */
int boot_load(struct boot *boot, const struct memory *m, const char *kernel,
	      const char *initrd, const char *cmdline, u64 rsdp)
{
	struct boot_params *bp = memory_ptr(m, BOOT_PARAMS, sizeof(*bp));
	size_t cmdline_size = strlen(cmdline) + 1;
	struct bzimage b;
	char *dest;
	int ret;

	if (!bp)
		return vl_error(ENOMEM, "no guest memory for a kernel");
	ret = load_kernel(&b, m, kernel);
	if (ret)
		return ret;

	memset(bp, 0, sizeof(*bp));
	memcpy(&bp->hdr, &b.hdr, b.hdr_size);

	/* cmdline_size does not count the final NUL. */
	if (cmdline_size - 1 > b.hdr.cmdline_size ||
	    cmdline_size > EBDA_START - BOOT_CMDLINE)
		return vl_error(E2BIG, "command line of %zu bytes (the kernel takes %u)",
				cmdline_size - 1, b.hdr.cmdline_size);
	dest = memory_ptr(m, BOOT_CMDLINE, cmdline_size);
	memcpy(dest, cmdline, cmdline_size);

	bp->hdr.cmd_line_ptr = BOOT_CMDLINE;
	bp->hdr.type_of_loader = TYPE_UNKNOWN;
	bp->hdr.vid_mode = 0xffff;	/* "normal" */
	bp->acpi_rsdp_addr = rsdp;
	if (initrd) {
		ret = load_initrd(bp, &b, m, initrd);
		if (ret)
			return ret;
	}
	fill_e820(bp, m);
	fill_tables(m);

	boot->entry = b.entry;
	boot->params = BOOT_PARAMS;
	return 0;
}
