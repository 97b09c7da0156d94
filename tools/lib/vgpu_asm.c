// SPDX-License-Identifier: GPL-2.0
/*
 * The assembler: one line of text is a buffer, a piece of data or a command.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "virtlite.h"
#include "vgpu_asm.h"

#define MAX_LINE	4096
#define MAX_WORDS	256
#define MAX_FIELDS	10

enum kind { NUMBER, ADDRESS, FORMAT, ROP, REDUCTION };

struct field {
	const char *name;
	unsigned char offset;		/* in struct vgpu_cmd */
	unsigned char bytes;
	enum kind kind;
	bool optional;
};

struct op {
	const char *name;
	__u32 op;
	__u32 flags;			/* that it knows */
	struct field fields[MAX_FIELDS];
};

#define F(what, member, ...) \
	{ #member, offsetof(struct vgpu_cmd, what.member), \
	  sizeof(((struct vgpu_cmd *)NULL)->what.member), __VA_ARGS__ }

static const struct op ops[] = {
	{ "nop", VGPU_OP_NOP, 0, { {} } },
	{ "fence", VGPU_OP_FENCE, VGPU_F_IRQ,
	  { F(fence, value, NUMBER, false), F(fence, addr, ADDRESS, true) } },
	{ "release", VGPU_OP_RELEASE, VGPU_F_TIMESTAMP,
	  { F(sem, addr, ADDRESS, false), F(sem, value, NUMBER, false) } },
	{ "acquire", VGPU_OP_ACQUIRE, VGPU_F_GE,
	  { F(sem, addr, ADDRESS, false), F(sem, value, NUMBER, false) } },
	{ "fill", VGPU_OP_FILL, 0,
	  { F(fill, dst, ADDRESS, false), F(fill, pitch, NUMBER, false),
	    F(fill, width, NUMBER, false), F(fill, lines, NUMBER, false),
	    F(fill, element, NUMBER, false), F(fill, pattern, NUMBER, false) } },
	{ "copy", VGPU_OP_COPY, 0,
	  { F(copy, src, ADDRESS, false), F(copy, dst, ADDRESS, false),
	    F(copy, bytes, NUMBER, false) } },
	{ "copy2d", VGPU_OP_COPY2D, 0,
	  { F(copy2d, src, ADDRESS, false), F(copy2d, dst, ADDRESS, false),
	    F(copy2d, src_pitch, NUMBER, false), F(copy2d, dst_pitch, NUMBER, false),
	    F(copy2d, width, NUMBER, false), F(copy2d, lines, NUMBER, false) } },
	{ "blit", VGPU_OP_BLIT, 0,
	  { F(blit, src, ADDRESS, false), F(blit, dst, ADDRESS, false),
	    F(blit, src_pitch, NUMBER, false), F(blit, dst_pitch, NUMBER, false),
	    F(blit, width, NUMBER, false), F(blit, lines, NUMBER, false),
	    F(blit, src_fmt, FORMAT, false), F(blit, dst_fmt, FORMAT, false),
	    F(blit, rop, ROP, true) } },
	{ "gemm", VGPU_OP_GEMM, VGPU_F_ACCUMULATE,
	  { F(gemm, a, ADDRESS, false), F(gemm, b, ADDRESS, false),
	    F(gemm, c, ADDRESS, false), F(gemm, m, NUMBER, false),
	    F(gemm, n, NUMBER, false), F(gemm, k, NUMBER, false),
	    F(gemm, lda, NUMBER, false), F(gemm, ldb, NUMBER, false),
	    F(gemm, ldc, NUMBER, false) } },
	{ "reduce", VGPU_OP_REDUCE, 0,
	  { F(reduce, src, ADDRESS, false), F(reduce, dst, ADDRESS, false),
	    F(reduce, bytes, NUMBER, false), F(reduce, op, REDUCTION, false) } },
	{ "histogram", VGPU_OP_HISTOGRAM, VGPU_F_ACCUMULATE,
	  { F(reduce, src, ADDRESS, false), F(reduce, dst, ADDRESS, false),
	    F(reduce, bytes, NUMBER, false) } },
	{ "crc32c", VGPU_OP_CRC32C, 0,
	  { F(reduce, src, ADDRESS, false), F(reduce, dst, ADDRESS, false),
	    F(reduce, bytes, NUMBER, false), F(reduce, seed, NUMBER, true) } },
	{ "spin", VGPU_OP_SPIN, VGPU_F_NOPREEMPT, { F(spin, ns, NUMBER, false) } },
	{ "spin_forever", VGPU_OP_SPIN_FOREVER, VGPU_F_NOPREEMPT, { {} } },
	{ "fault", VGPU_OP_FAULT, 0, { {} } },
	{ NULL, 0, 0, { {} } },
};

static const struct {
	const char *name;
	__u32 flag;
} flags[] = {
	{ "irq", VGPU_F_IRQ }, { "timestamp", VGPU_F_TIMESTAMP }, { "ge", VGPU_F_GE },
	{ "accumulate", VGPU_F_ACCUMULATE }, { "nopreempt", VGPU_F_NOPREEMPT },
	{ NULL, 0 },
};

/* In the order of their numbers. */
static const char * const formats[] = {
	"xrgb8888", "argb8888", "xbgr8888", "abgr8888", "rgb565", "r8", NULL
};
static const char * const rops[] = {
	"copy", "not", "and", "or", "xor", "invert", "over", NULL
};
static const char * const reductions[] = { "sum", "xor", "min", "max", NULL };

static const char * const errors[] = {
	"NONE", "OPCODE", "FLAGS", "RESERVED", "RANGE", "ALIGN", "VRAM", "DMA", "OVERLAP",
	"RING", "BUS_MASTER", "FAULT", "HANG", "RESET", "MEMORY", "STORM",
};

/* Where we are, and what addresses are relative to. */
struct state {
	struct vl_vgpu_program *p;
	const char *file;
	unsigned int line;
	__u64 memory;
	struct vl_vgpu_data **put, **expect, **show;
};

/**
 * vl_vgpu_op_name() - the name of a command
 * @op: VGPU_OP_*
 *
 * Return: as it is written in a program, or "?".
 */
const char *vl_vgpu_op_name(__u32 op)
{
	for (const struct op *o = ops; o->name; o++)
		if (o->op == op)
			return o->name;
	return "?";
}

/**
 * vl_vgpu_error_name() - the name of an error
 * @error: VGPU_ERR_*
 *
 * Return: its name without the prefix, or "?".
 */
const char *vl_vgpu_error_name(__u32 error)
{
	return error < sizeof(errors) / sizeof(*errors) ? errors[error] : "?";
}

static __attribute__((format(printf, 2, 3))) int wrong(struct state *s, const char *fmt, ...)
{
	char text[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return vl_error(0, "%s:%u: %s", s->file, s->line, text);
}

/* Negative numbers are two's complement; 0x and 0 as in C. */
static bool parse_number(const char *w, __u64 *n)
{
	bool negative = *w == '-';
	char *end;

	w += negative;
	if (*w < '0' || *w > '9')
		return false;
	errno = 0;
	*n = strtoull(w, &end, 0);
	if (errno || *end || (negative && *n > 1ULL << 63))
		return false;
	if (negative)
		*n = -*n;
	return true;
}

/* Does it fit, signed or unsigned? */
static bool fits(__u64 n, unsigned int bytes)
{
	__s64 min;

	if (bytes == 8)
		return true;
	min = -(1LL << (bytes * 8 - 1));
	return n < 1ULL << (bytes * 8) || ((__s64)n < 0 && (__s64)n >= min);
}

/* NAME or NAME+OFFSET; an offset at the very end is no place. */
static int parse_place(struct state *s, const char *w, unsigned int *buffer, __u64 *offset)
{
	const char *plus = strchr(w, '+');
	size_t len = plus ? (size_t)(plus - w) : strlen(w);
	const struct vl_vgpu_program *p = s->p;
	unsigned int i;

	for (i = 0; i < p->nr_buffers; i++)
		if (strlen(p->buffers[i].name) == len && !strncmp(p->buffers[i].name, w, len))
			break;
	if (i == p->nr_buffers)
		return wrong(s, "there is no buffer \"%.*s\"", (int)len, w);
	*offset = 0;
	if (plus && !parse_number(plus + 1, offset))
		return wrong(s, "\"%s\" is no offset", plus + 1);
	if (*offset >= p->buffers[i].bytes)
		return wrong(s, "%s is beyond the end of the buffer", w);
	*buffer = i;
	return 0;
}

/* A plain number is an address as it is: a way to test what is refused. */
static int parse_address(struct state *s, const char *w, __u64 *address)
{
	unsigned int i;
	__u64 offset;
	int ret;

	if (parse_number(w, address))
		return 0;
	ret = parse_place(s, w, &i, &offset);
	if (ret)
		return ret;
	offset += s->p->buffers[i].offset;
	*address = s->p->buffers[i].vram ? VGPU_VRAM | offset : s->memory + offset;
	return 0;
}

static bool parse_word(const char * const *list, const char *w, __u64 *n)
{
	for (*n = 0; list[*n]; ++*n)
		if (!strcmp(list[*n], w))
			return true;
	return parse_number(w, n);
}

static int parse_value(struct state *s, const struct field *f, const char *w, __u64 *n)
{
	static const char * const * const lists[] = {
		[FORMAT] = formats, [ROP] = rops, [REDUCTION] = reductions,
	};

	if (f->kind == ADDRESS)
		return parse_address(s, w, n);
	if (!(f->kind == NUMBER ? parse_number(w, n) : parse_word(lists[f->kind], w, n)))
		return wrong(s, "%s=%s: no such value", f->name, w);
	if (!fits(*n, f->bytes))
		return wrong(s, "%s=%s: needs more than %u bits", f->name, w, f->bytes * 8);
	return 0;
}

static int command_word(struct state *s, const struct op *o, struct vgpu_cmd *cmd,
			char *w, unsigned int *seen)
{
	char *value = strchr(w, '=');
	unsigned int i;
	__u64 n;
	int ret;

	if (!value) {
		for (i = 0; flags[i].name && strcmp(flags[i].name, w); i++)
			;
		if (!(flags[i].flag & o->flags))
			return wrong(s, "%s knows no \"%s\"", o->name, w);
		cmd->flags |= flags[i].flag;
		return 0;
	}
	*value++ = '\0';
	for (i = 0; i < MAX_FIELDS && o->fields[i].name; i++)
		if (!strcmp(o->fields[i].name, w))
			break;
	if (i == MAX_FIELDS || !o->fields[i].name)
		return wrong(s, "%s has no \"%s\"", o->name, w);
	if (*seen & 1U << i)
		return wrong(s, "%s is there twice", w);
	*seen |= 1U << i;
	ret = parse_value(s, &o->fields[i], value, &n);
	if (ret)
		return ret;
	/* Little endian, here as there. */
	memcpy((char *)cmd + o->fields[i].offset, &n, o->fields[i].bytes);
	if (o->op == VGPU_OP_FENCE && o->fields[i].kind == ADDRESS)
		cmd->fence.store = 1;
	return 0;
}

static int add_command(struct state *s, const struct op *o, char **words, unsigned int nr)
{
	struct vl_vgpu_program *p = s->p;
	struct vgpu_cmd *cmd = &p->cmds[p->nr_cmds];
	unsigned int i, seen = 0;
	int ret;

	if (p->nr_cmds == VL_VGPU_COMMANDS)
		return wrong(s, "more than %u commands", VL_VGPU_COMMANDS);
	cmd->op = o->op;
	for (i = 1; i < nr; i++) {
		ret = command_word(s, o, cmd, words[i], &seen);
		if (ret)
			return ret;
	}
	for (i = 0; i < MAX_FIELDS && o->fields[i].name; i++)
		if (!o->fields[i].optional && !(seen & 1U << i))
			return wrong(s, "%s needs %s=", o->name, o->fields[i].name);
	p->lines[p->nr_cmds++] = s->line;
	return 0;
}

static int add_buffer(struct state *s, bool vram, char **words, unsigned int nr)
{
	struct vl_vgpu_program *p = s->p;
	__u64 *end = vram ? &p->vram_bytes : &p->memory_bytes;
	struct vl_vgpu_buffer *b = &p->buffers[p->nr_buffers];
	unsigned int i;

	if (nr != 3)
		return wrong(s, "want %s NAME BYTES", words[0]);
	if (p->nr_buffers == VL_VGPU_BUFFERS)
		return wrong(s, "more than %u buffers", VL_VGPU_BUFFERS);
	if (strlen(words[1]) >= VL_VGPU_NAME || strpbrk(words[1], "+=") ||
	    (*words[1] >= '0' && *words[1] <= '9') || *words[1] == '-')
		return wrong(s, "\"%s\" cannot be a name", words[1]);
	for (i = 0; i < p->nr_buffers; i++)
		if (!strcmp(p->buffers[i].name, words[1]))
			return wrong(s, "there is a buffer \"%s\" already", words[1]);
	if (!parse_number(words[2], &b->bytes) || !b->bytes || b->bytes > VL_VGPU_MAX_BUFFER)
		return wrong(s, "%s: 1 to %llu bytes", words[2], VL_VGPU_MAX_BUFFER);
	strcpy(b->name, words[1]);
	b->vram = vram;
	b->offset = *end;
	*end += (b->bytes + VL_VGPU_BUFFER_ALIGN - 1) & ~(__u64)(VL_VGPU_BUFFER_ALIGN - 1);
	p->nr_buffers++;
	return 0;
}

/* put|expect PLACE u8|u16|u32|u64 NUMBER…, show PLACE BYTES */
static int add_data(struct state *s, struct vl_vgpu_data ***tail, bool values,
		    char **words, unsigned int nr)
{
	unsigned int buffer, width = 1, i;
	struct vl_vgpu_data *d;
	__u64 offset, len, n;
	int ret;

	if (values ? nr < 4 : nr != 3)
		return wrong(s, values ? "want %s PLACE u8|u16|u32|u64 NUMBER…" :
					 "want %s PLACE BYTES", words[0]);
	ret = parse_place(s, words[1], &buffer, &offset);
	if (ret)
		return ret;
	if (values) {
		for (width = 1; width <= 8; width *= 2)
			if (words[2][0] == 'u' && atoi(words[2] + 1) == (int)width * 8)
				break;
		if (width > 8)
			return wrong(s, "\"%s\" is none of u8, u16, u32, u64", words[2]);
		len = (__u64)(nr - 3) * width;
	} else if (!parse_number(words[2], &len) || !len) {
		return wrong(s, "%s: not a number of bytes", words[2]);
	}
	if (len > s->p->buffers[buffer].bytes - offset)
		return wrong(s, "beyond the end of the buffer");
	d = calloc(1, sizeof(*d) + (values ? len : 0));
	if (!d)
		return vl_error(ENOMEM, "%s:%u", s->file, s->line);
	d->line = s->line;
	d->buffer = buffer;
	d->offset = offset;
	d->len = len;
	d->width = width;
	**tail = d;
	*tail = &d->next;
	for (i = 3; values && i < nr; i++) {
		if (!parse_number(words[i], &n) || !fits(n, width))
			return wrong(s, "%s: no number of %u bits", words[i], width * 8);
		memcpy(d->bytes + (i - 3) * width, &n, width);
	}
	return 0;
}

static int one_line(struct state *s, char *line)
{
	char *words[MAX_WORDS], *save = NULL, *w, *comment = strchr(line, '#');
	const struct op *o;
	unsigned int nr = 0;

	if (comment)
		*comment = '\0';
	for (w = strtok_r(line, " \t\r", &save); w; w = strtok_r(NULL, " \t\r", &save)) {
		if (nr == MAX_WORDS)
			return wrong(s, "more than %u words", MAX_WORDS);
		words[nr++] = w;
	}
	if (!nr)
		return 0;
	if (!strcmp(words[0], "memory") || !strcmp(words[0], "vram"))
		return add_buffer(s, words[0][0] == 'v', words, nr);
	if (!strcmp(words[0], "put"))
		return add_data(s, &s->put, true, words, nr);
	if (!strcmp(words[0], "expect"))
		return add_data(s, &s->expect, true, words, nr);
	if (!strcmp(words[0], "show"))
		return add_data(s, &s->show, false, words, nr);
	for (o = ops; o->name; o++)
		if (!strcmp(o->name, words[0]))
			return add_command(s, o, words, nr);
	return wrong(s, "\"%s\": no such command", words[0]);
}

/**
 * vl_vgpu_assemble() - make a program of a text
 * @p: the program; to be freed with vl_vgpu_program_free() if this succeeds
 * @text: NUL-terminated
 * @file: its name, for messages
 * @memory_address: address at which the device will see the program's memory
 * @vram_offset: where in VRAM its buffers begin
 *
 * Return: 0, or -EINVAL or -ENOMEM with a message that names the line.
 */
int vl_vgpu_assemble(struct vl_vgpu_program *p, const char *text, const char *file,
		     __u64 memory_address, __u64 vram_offset)
{
	struct state s = { .p = p, .file = file, .memory = memory_address, };
	int ret = 0;

	memset(p, 0, sizeof(*p));
	p->vram_bytes = vram_offset;
	s.put = &p->put;
	s.expect = &p->expect;
	s.show = &p->show;
	p->cmds = calloc(VL_VGPU_COMMANDS, sizeof(*p->cmds));
	p->lines = calloc(VL_VGPU_COMMANDS, sizeof(*p->lines));
	if (!p->cmds || !p->lines)
		ret = vl_error(ENOMEM, "%s", file);
	while (!ret && *text) {
		size_t len = strcspn(text, "\n");
		char line[MAX_LINE];

		s.line++;
		if (len >= sizeof(line)) {
			ret = wrong(&s, "the line is too long");
			break;
		}
		memcpy(line, text, len);
		line[len] = '\0';
		text += len + (text[len] == '\n');
		ret = one_line(&s, line);
	}
	if (ret)
		vl_vgpu_program_free(p);
	return ret;
}

static void free_data(struct vl_vgpu_data *d)
{
	while (d) {
		struct vl_vgpu_data *next = d->next;

		free(d);
		d = next;
	}
}

/**
 * vl_vgpu_program_free() - free what a program has
 * @p: the program; it is empty afterwards
 */
void vl_vgpu_program_free(struct vl_vgpu_program *p)
{
	free(p->cmds);
	free(p->lines);
	free_data(p->put);
	free_data(p->expect);
	free_data(p->show);
	memset(p, 0, sizeof(*p));
}
