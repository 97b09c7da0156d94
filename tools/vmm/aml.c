// SPDX-License-Identifier: GPL-2.0
/*
 * A small assembler for ACPI machine language (ACPI 6.5, chapter 20) and its
 * resource descriptors (6.4): objects are opened, filled and closed.
 */
#include <string.h>

#include "aml.h"

#define OP_NAME		0x08
#define OP_BYTE		0x0a
#define OP_WORD		0x0b
#define OP_DWORD	0x0c
#define OP_SCOPE	0x10
#define OP_BUFFER	0x11
#define OP_PACKAGE	0x12
#define OP_EXT		0x5b
#define OP_EXT_DEVICE	0x82

#define RES_IRQ		0x22
#define RES_IO		0x47
#define RES_END		0x79
#define RES_DWORD	0x87
#define RES_WORD	0x88

#define RES_FIXED	0x0c	/* both ends are fixed, positively decoded */
#define RES_IO_ENTIRE	0x03
#define RES_MEM_RW	0x01

/* Lengths are written in the three-byte form, so that their size is known
 * before they are.
 */
#define PKG_LENGTH	3
#define PKG_LENGTH_FORM	(2U << 6)

/* A buffer's size comes after its length, as a word constant. */
#define BUFFER_SIZE	3

static void put(struct aml *a, const void *p, size_t len)
{
	if (len > AML_MAX - a->len) {
		a->overflow = true;
		return;
	}
	memcpy(a->buf + a->len, p, len);
	a->len += len;
}

static void put8(struct aml *a, u8 v)
{
	put(a, &v, sizeof(v));
}

static void put16(struct aml *a, u16 v)
{
	put(a, &v, sizeof(v));
}

static void put32(struct aml *a, u32 v)
{
	put(a, &v, sizeof(v));
}

static void open_object(struct aml *a)
{
	static const u8 room[PKG_LENGTH];

	if (a->depth == AML_DEPTH) {
		a->overflow = true;
		return;
	}
	a->open[a->depth++] = a->len;
	put(a, room, sizeof(room));
}

/**
 * aml_close() - end the object that was opened last
 * @a: assembler
 */
void aml_close(struct aml *a)
{
	size_t at, len;

	if (a->overflow || !a->depth) {
		a->overflow = true;
		return;
	}
	at = a->open[--a->depth];
	len = a->len - at;
	a->buf[at] = PKG_LENGTH_FORM | (len & 0xf);
	a->buf[at + 1] = len >> 4;
	a->buf[at + 2] = len >> 12;
}

/**
 * aml_scope() - open a scope
 * @a: assembler
 * @path: name, with the root prefix
 */
void aml_scope(struct aml *a, const char *path)
{
	put8(a, OP_SCOPE);
	open_object(a);
	put(a, path, strlen(path));
}

/**
 * aml_device() - open a device
 * @a: assembler
 * @name: four characters
 */
void aml_device(struct aml *a, const char *name)
{
	put8(a, OP_EXT);
	put8(a, OP_EXT_DEVICE);
	open_object(a);
	put(a, name, strlen(name));
}

/**
 * aml_name() - name the object that comes next
 * @a: assembler
 * @name: four characters
 */
void aml_name(struct aml *a, const char *name)
{
	put8(a, OP_NAME);
	put(a, name, strlen(name));
}

/**
 * aml_package() - open a package
 * @a: assembler
 * @elements: how many objects will be in it
 */
void aml_package(struct aml *a, u8 elements)
{
	put8(a, OP_PACKAGE);
	open_object(a);
	put8(a, elements);
}

/**
 * aml_resources() - open a resource template
 * @a: assembler
 */
void aml_resources(struct aml *a)
{
	put8(a, OP_BUFFER);
	open_object(a);
	put8(a, OP_WORD);
	put16(a, 0);
}

/**
 * aml_close_resources() - end a resource template
 * @a: assembler
 */
void aml_close_resources(struct aml *a)
{
	size_t size;

	put8(a, RES_END);
	put8(a, 0);	/* "no checksum" */
	if (a->overflow || !a->depth) {
		a->overflow = true;
		return;
	}
	size = a->open[a->depth - 1] + PKG_LENGTH;
	a->buf[size + 1] = a->len - size - BUFFER_SIZE;
	a->buf[size + 2] = (a->len - size - BUFFER_SIZE) >> 8;
	aml_close(a);
}

/**
 * aml_int() - an integer
 * @a: assembler
 * @v: value
 */
void aml_int(struct aml *a, u32 v)
{
	if (v <= 1) {
		put8(a, v);	/* ZeroOp, OneOp */
	} else if (v <= 0xff) {
		put8(a, OP_BYTE);
		put8(a, v);
	} else if (v <= 0xffff) {
		put8(a, OP_WORD);
		put16(a, v);
	} else {
		put8(a, OP_DWORD);
		put32(a, v);
	}
}

static u8 hex(char c)
{
	return c <= '9' ? c - '0' : c - 'A' + 10;
}

/**
 * aml_eisa_id() - a compressed EISA identifier
 * @a: assembler
 * @id: three capital letters and four hexadecimal digits
 */
void aml_eisa_id(struct aml *a, const char *id)
{
	u8 letter[3];

	for (int i = 0; i < 3; i++)
		letter[i] = id[i] - 0x40;
	put8(a, OP_DWORD);
	put8(a, letter[0] << 2 | letter[1] >> 3);
	put8(a, letter[1] << 5 | letter[2]);
	put8(a, hex(id[3]) << 4 | hex(id[4]));
	put8(a, hex(id[5]) << 4 | hex(id[6]));
}

/**
 * aml_io_port() - a resource: fixed I/O ports
 * @a: assembler
 * @port: first
 * @len: how many
 */
void aml_io_port(struct aml *a, u16 port, u8 len)
{
	put8(a, RES_IO);
	put8(a, 1);	/* decodes 16 bits of address */
	put16(a, port);
	put16(a, port);
	put8(a, 1);
	put8(a, len);
}

/**
 * aml_irq() - a resource: an edge-triggered ISA interrupt
 * @a: assembler
 * @irq: number
 */
void aml_irq(struct aml *a, unsigned int irq)
{
	put8(a, RES_IRQ);
	put16(a, BIT(irq));
}

static u8 type_flags(enum aml_resource type)
{
	if (type == AML_IO)
		return RES_IO_ENTIRE;
	return type == AML_MEMORY ? RES_MEM_RW : 0;
}

/**
 * aml_window16() - a resource that a bridge passes on, in 16 bits
 * @a: assembler
 * @type: kind
 * @min: first
 * @max: last
 */
void aml_window16(struct aml *a, enum aml_resource type, u16 min, u16 max)
{
	put8(a, RES_WORD);
	put16(a, 3 + 5 * 2);
	put8(a, type);
	put8(a, RES_FIXED);
	put8(a, type_flags(type));
	put16(a, 0);
	put16(a, min);
	put16(a, max);
	put16(a, 0);
	put16(a, max - min + 1);
}

/**
 * aml_window32() - a resource that a bridge passes on, in 32 bits
 * @a: assembler
 * @type: kind
 * @min: first
 * @max: last
 */
void aml_window32(struct aml *a, enum aml_resource type, u32 min, u32 max)
{
	put8(a, RES_DWORD);
	put16(a, 3 + 5 * 4);
	put8(a, type);
	put8(a, RES_FIXED);
	put8(a, type_flags(type));
	put32(a, 0);
	put32(a, min);
	put32(a, max);
	put32(a, 0);
	put32(a, max - min + 1);
}
