/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Programs for a slice of a GPU, from text. Documentation/vgpu-asm.rst has the
 * language. Nothing in here needs a device.
 */
#ifndef VIRTLITE_LIB_VGPU_ASM_H
#define VIRTLITE_LIB_VGPU_ASM_H

#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <virtlite/vgpu_isa.h>

#define VL_VGPU_NAME		32
#define VL_VGPU_BUFFERS		64
#define VL_VGPU_COMMANDS	4096
#define VL_VGPU_BUFFER_ALIGN	4096
#define VL_VGPU_MAX_BUFFER	0x100000000ULL

/**
 * struct vl_vgpu_buffer - a named piece of memory
 * @name: its name
 * @vram: in VRAM, not in the program's own memory
 * @offset: from the beginning of VRAM, or of the program's memory
 * @bytes: its size
 */
struct vl_vgpu_buffer {
	char name[VL_VGPU_NAME];
	bool vram;
	__u64 offset;
	__u64 bytes;
};

/**
 * struct vl_vgpu_data - bytes that a buffer begins with, or must end with, or that
 *	are to be shown
 * @next: the following one, in the order of the text
 * @line: where it stands in the text
 * @buffer: number of the buffer
 * @offset: in the buffer
 * @len: how many bytes
 * @width: bytes of a number, for messages
 * @bytes: them; of what is to be shown, nothing
 */
struct vl_vgpu_data {
	struct vl_vgpu_data *next;
	unsigned int line;
	unsigned int buffer;
	__u64 offset;
	size_t len;
	unsigned int width;
	__u8 bytes[];
};

/**
 * struct vl_vgpu_program - what vl_vgpu_assemble() makes of a text
 * @buffers: all of them
 * @nr_buffers: how many
 * @cmds: commands, ready for the ring
 * @lines: where each of @cmds stands in the text
 * @nr_cmds: how many
 * @memory_bytes: size of the memory that the buffers outside VRAM need
 * @vram_bytes: end of the last buffer in VRAM
 * @put: what to store before it runs
 * @expect: what must be there afterwards
 * @show: what to print afterwards
 */
struct vl_vgpu_program {
	struct vl_vgpu_buffer buffers[VL_VGPU_BUFFERS];
	unsigned int nr_buffers;
	struct vgpu_cmd *cmds;
	unsigned int *lines;
	unsigned int nr_cmds;
	__u64 memory_bytes;
	__u64 vram_bytes;
	struct vl_vgpu_data *put;
	struct vl_vgpu_data *expect;
	struct vl_vgpu_data *show;
};

int vl_vgpu_assemble(struct vl_vgpu_program *p, const char *text, const char *file,
		     __u64 memory_address, __u64 vram_offset);
void vl_vgpu_program_free(struct vl_vgpu_program *p);
const char *vl_vgpu_op_name(__u32 op);
const char *vl_vgpu_error_name(__u32 error);

#endif /* VIRTLITE_LIB_VGPU_ASM_H */
