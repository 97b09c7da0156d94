// SPDX-License-Identifier: GPL-2.0
/*
 * The assembler for slices of a GPU: what it makes of each command, byte by byte
 * as Documentation/vgpu-isa.rst has them, and what it refuses, with which words.
 */
#include <string.h>

#include "../lib/vgpu_asm.h"
#include "../lib/virtlite.h"
#include "tap.h"

#define MEMORY	0x100000000ULL
#define VRAM	0x1000000ULL

static const char buffers[] = "memory m 64\nmemory n 5000\nmemory o 8\nvram v 4096\nvram w 1\n";

static __u64 at(const struct vgpu_cmd *cmd, unsigned int offset, unsigned int bytes)
{
	__u64 n = 0;

	while (bytes--)
		n = n << 8 | ((const __u8 *)cmd)[offset + bytes];
	return n;
}

struct expected {
	const char *text;
	__u32 op, flags;
	struct {
		unsigned char offset, bytes;
		__u64 value;
	} at[12];
};

/* Offsets are the manual's, on purpose not those of the structs. */
static const struct expected expected[] = {
	{ "nop", 0x00, 0, { { 0 } } },
	{ "fence value=7", 0x01, 0, { { 0x08, 8, 7 }, { 0x18, 4, 0 } } },
	{ "fence value=7 addr=m+8 irq", 0x01, 1,
	  { { 0x08, 8, 7 }, { 0x10, 8, MEMORY + 8 }, { 0x18, 4, 1 } } },
	{ "release addr=o value=-1 timestamp", 0x02, 2,
	  { { 0x08, 8, MEMORY + 0x3000 }, { 0x10, 8, ~0ULL } } },
	{ "acquire addr=w value=0x10 ge", 0x03, 4,
	  { { 0x08, 8, 1ULL << 63 | (VRAM + 4096) }, { 0x10, 8, 16 } } },
	{ "fill dst=v+16 pitch=4 width=3 lines=2 element=1 pattern=0xff", 0x10, 0,
	  { { 0x08, 8, 1ULL << 63 | (VRAM + 16) }, { 0x10, 4, 4 }, { 0x14, 4, 3 },
	    { 0x18, 4, 2 }, { 0x1c, 4, 1 }, { 0x20, 4, 255 } } },
	{ "copy src=n dst=0x123 bytes=0x10000000000", 0x11, 0,
	  { { 0x08, 8, MEMORY + 0x1000 }, { 0x10, 8, 0x123 }, { 0x18, 8, 1ULL << 40 } } },
	{ "copy2d src=1 dst=2 src_pitch=3 dst_pitch=4 width=5 lines=6", 0x12, 0,
	  { { 0x08, 8, 1 }, { 0x10, 8, 2 }, { 0x18, 4, 3 }, { 0x1c, 4, 4 },
	    { 0x20, 4, 5 }, { 0x24, 4, 6 } } },
	{ "blit src=1 dst=2 src_pitch=3 dst_pitch=4 width=5 lines=6 src_fmt=argb8888 "
	  "dst_fmt=r8 rop=over", 0x13, 0,
	  { { 0x08, 8, 1 }, { 0x10, 8, 2 }, { 0x18, 4, 3 }, { 0x1c, 4, 4 }, { 0x20, 4, 5 },
	    { 0x24, 4, 6 }, { 0x28, 4, 1 }, { 0x2c, 4, 5 }, { 0x30, 4, 6 } } },
	{ "gemm a=1 b=2 c=3 m=4 n=5 k=6 lda=7 ldb=8 ldc=9 accumulate", 0x20, 8,
	  { { 0x08, 8, 1 }, { 0x10, 8, 2 }, { 0x18, 8, 3 }, { 0x20, 4, 4 }, { 0x24, 4, 5 },
	    { 0x28, 4, 6 }, { 0x2c, 4, 7 }, { 0x30, 4, 8 }, { 0x34, 4, 9 } } },
	{ "reduce src=1 dst=2 bytes=3 op=max", 0x21, 0,
	  { { 0x08, 8, 1 }, { 0x10, 8, 2 }, { 0x18, 8, 3 }, { 0x20, 4, 3 } } },
	{ "histogram src=1 dst=2 bytes=3 accumulate", 0x22, 8,
	  { { 0x08, 8, 1 }, { 0x10, 8, 2 }, { 0x18, 8, 3 } } },
	{ "crc32c src=1 dst=2 bytes=3 seed=0xe3069283", 0x23, 0,
	  { { 0x08, 8, 1 }, { 0x10, 8, 2 }, { 0x18, 8, 3 }, { 0x24, 4, 0xe3069283 } } },
	{ "spin ns=1000 nopreempt", 0x70, 16, { { 0x08, 8, 1000 } } },
	{ "spin_forever", 0x71, 0, { { 0 } } },
	{ "fault", 0x72, 0, { { 0 } } },
};

/* All that is named has its value, all else is 0. */
static bool encoded(const struct expected *e)
{
	struct vl_vgpu_program p;
	char text[512];
	bool good;

	snprintf(text, sizeof(text), "%s%s # x\n", buffers, e->text);
	if (vl_vgpu_assemble(&p, text, "t", MEMORY, VRAM)) {
		printf("# %s\n", vl_message());
		return false;
	}
	good = p.nr_cmds == 1 && p.lines[0] == 6 && at(p.cmds, 0, 4) == e->op &&
	       at(p.cmds, 4, 4) == e->flags;
	memset(p.cmds, 0, 8);
	for (unsigned int i = 0; e->at[i].bytes; i++) {
		good &= at(p.cmds, e->at[i].offset, e->at[i].bytes) == e->at[i].value;
		memset((char *)p.cmds + e->at[i].offset, 0, e->at[i].bytes);
	}
	for (unsigned int i = 0; i < sizeof(*p.cmds); i++)
		good &= !((char *)p.cmds)[i];
	vl_vgpu_program_free(&p);
	return good;
}

static bool refused(const char *line, const char *words)
{
	struct vl_vgpu_program p;
	char text[512];

	snprintf(text, sizeof(text), "%s\n%s\n", buffers, line);
	if (!vl_vgpu_assemble(&p, text, "t.vgpu", MEMORY, VRAM)) {
		vl_vgpu_program_free(&p);
		return false;
	}
	if (strstr(vl_message(), words) && !strncmp(vl_message(), "t.vgpu:7: ", 10))
		return true;
	printf("# %s\n", vl_message());
	return false;
}

static void data(void)
{
	struct vl_vgpu_program p;
	char text[512];

	snprintf(text, sizeof(text), "%sput m+4 u16 1 -1\nexpect v u64 2\nput m u8 255\n"
		 "show w 1", buffers);
	if (!ok(!vl_vgpu_assemble(&p, text, "t", MEMORY, VRAM), "data in several places"))
		return;
	ok(p.memory_bytes == 0x4000 && p.vram_bytes == VRAM + 0x2000, "buffers begin on pages");
	ok(p.put && p.put->len == 4 && p.put->offset == 4 && p.put->buffer == 0 &&
	   !memcmp(p.put->bytes, "\1\0\377\377", 4), "put: little endian");
	ok(p.put && p.put->next && p.put->next->len == 1 && p.put->next->bytes[0] == 255 &&
	   !p.put->next->next, "put: in the order of the text");
	ok(p.expect && p.expect->len == 8 && p.expect->buffer == 3 && p.expect->width == 8 &&
	   p.expect->line == 7, "expect");
	ok(p.show && p.show->len == 1 && p.show->buffer == 4 && !p.show->next, "show");
	vl_vgpu_program_free(&p);
	ok(!p.cmds && !p.put, "nothing is left");
}

int main(void)
{
	static const char * const bad[][2] = {
		{ "jump", "no such command" },
		{ "nop irq", "nop knows no \"irq\"" },
		{ "nop fast", "nop knows no \"fast\"" },
		{ "fence", "fence needs value=" },
		{ "fence value=1 value=2", "twice" },
		{ "fence colour=1", "fence has no \"colour\"" },
		{ "copy src=x dst=m bytes=1", "no buffer \"x\"" },
		{ "copy src=m+64 dst=n bytes=1", "beyond the end" },
		{ "copy src=m+y dst=n bytes=1", "is no offset" },
		{ "fill dst=v pitch=4 width=4 lines=0x100000000 element=1 pattern=0", "32 bits" },
		{ "reduce src=m dst=n bytes=4 op=mean", "op=mean" },
		{ "spin ns=", "ns=" },
		{ "spin ns=99999999999999999999", "ns=" },
		{ "memory m 5", "already" },
		{ "memory 5 5", "cannot be a name" },
		{ "memory p", "want memory NAME" },
		{ "vram p 0", "bytes" },
		{ "put m u8 256", "256: no number of 8 bits" },
		{ "put m u8 -129", "no number of 8 bits" },
		{ "put m u24 1", "none of u8" },
		{ "put m+63 u16 1", "beyond the end" },
		{ "expect m u32", "want expect" },
		{ "show m 65", "beyond the end" },
	};
	char name[160];

	for (unsigned int i = 0; i < sizeof(expected) / sizeof(*expected); i++) {
		snprintf(name, sizeof(name), "%.140s", expected[i].text);
		ok(encoded(&expected[i]), name);
	}
	for (unsigned int i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		snprintf(name, sizeof(name), "refused: %s", bad[i][0]);
		ok(refused(bad[i][0], bad[i][1]), name);
	}
	data();
	ok(!strcmp(vl_vgpu_error_name(VGPU_ERR_STORM), "STORM") &&
	   !strcmp(vl_vgpu_error_name(16), "?"), "names of errors");
	return tap_done();
}
