/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
#ifndef _UAPI_VIRTLITE_VGPU_ISA_H
#define _UAPI_VIRTLITE_VGPU_ISA_H

/*
 * What a driver of a slice sees: PCI identity, registers, commands.
 * Documentation/vgpu-isa.rst is the manual. All is little endian.
 */

#include <linux/const.h>
#include <linux/types.h>

/* PCI: a display slice is what bochs-drm binds to, a compute slice is not. */
#define VGPU_PCI_VENDOR			0x1234
#define VGPU_PCI_DEVICE_DISPLAY		0x1111
#define VGPU_PCI_DEVICE_COMPUTE		0x1d61
#define VGPU_PCI_SUBVENDOR		0x1234
#define VGPU_PCI_SUBDEVICE		0x1d61

#define VGPU_BAR_VRAM			0	/* 64 bit, prefetchable, of the slice's VRAM size */
#define VGPU_BAR_DISPLAY		2	/* display slices: EDID, VGA, DISPI */
#define VGPU_BAR_REGS			4
#define VGPU_BAR_DISPLAY_SIZE		0x1000
#define VGPU_BAR_REGS_SIZE		0x1000

/* BAR 4, registers of the slice: 32 bit each. */
#define VGPU_REG_ID			0x000	/* VGPU_ID */
#define VGPU_REG_VERSION		0x004	/* VGPU_ISA_VERSION */
#define VGPU_REG_FEATURES		0x008	/* VGPU_HAS_* */
#define VGPU_REG_QUEUES			0x00c	/* number of queues */
#define VGPU_REG_VRAM_LO		0x010	/* bytes of VRAM */
#define VGPU_REG_VRAM_HI		0x014
#define VGPU_REG_CARVEOUT_LO		0x018	/* bytes at its start that the display has */
#define VGPU_REG_CARVEOUT_HI		0x01c
#define VGPU_REG_INTR_STATUS		0x020	/* VGPU_INTR_*; write 1 to clear */
#define VGPU_REG_INTR_ENABLE		0x024	/* VGPU_INTR_* */
#define VGPU_REG_TIME_LO		0x028	/* engine clock, ns; reading latches TIME_HI */
#define VGPU_REG_TIME_HI		0x02c
#define VGPU_REG_CONTROL		0x030	/* write VGPU_CONTROL_* */
#define VGPU_REG_RESETS			0x034	/* resets of the slice since it was opened */
#define VGPU_REG_SCRATCH		0x038	/* yours */

#define VGPU_ID				0x55504756	/* "VGPU" */
#define VGPU_ISA_VERSION		0x00010000	/* 1.0 */

#define VGPU_HAS_COPY			(1U << 0)
#define VGPU_HAS_COMPUTE		(1U << 1)
#define VGPU_HAS_TEST			(1U << 2)
#define VGPU_HAS_DISPLAY		(1U << 3)

#define VGPU_CONTROL_RESET		(1U << 0)	/* reset the slice, VRAM stays */

#define VGPU_INTR_FENCE(q)		(1U << (q))
#define VGPU_INTR_ERROR(q)		(1U << (8 + (q)))
#define VGPU_INTR_RESET			(1U << 16)	/* the slice was reset by its host */
#define VGPU_INTR_ALL			0x0001ffffU

/* BAR 4, registers of a queue: VGPU_QUEUE(q) + VGPU_Q_*. */
#define VGPU_QUEUE(q)			(0x100 + (q) * 0x40)
#define VGPU_MAX_QUEUES			8

#define VGPU_Q_CONTROL			0x00	/* VGPU_Q_ENABLE, VGPU_Q_RESET */
#define VGPU_Q_STATUS			0x04	/* VGPU_Q_OFF … */
#define VGPU_Q_RING_LO			0x08	/* address of the ring */
#define VGPU_Q_RING_HI			0x0c
#define VGPU_Q_RING_ORDER		0x10	/* log2 of its commands */
#define VGPU_Q_PUT			0x14	/* doorbell: commands written so far */
#define VGPU_Q_GET			0x18	/* commands completed so far */
#define VGPU_Q_ERROR			0x1c	/* VGPU_ERR_* that halted it */
#define VGPU_Q_FENCE_LO			0x20	/* value of the last FENCE; reading latches HI */
#define VGPU_Q_FENCE_HI			0x24

#define VGPU_Q_ENABLE			(1U << 0)
#define VGPU_Q_RESET			(1U << 1)

#define VGPU_Q_OFF			0	/* not enabled */
#define VGPU_Q_IDLE			1	/* GET has reached PUT */
#define VGPU_Q_BUSY			2	/* executes, or waits for the engine */
#define VGPU_Q_WAIT			3	/* waits in an ACQUIRE */
#define VGPU_Q_HALTED			4	/* VGPU_Q_ERROR says why */

#define VGPU_RING_ORDER_MIN		2
#define VGPU_RING_ORDER_MAX		16
#define VGPU_RING_ALIGN			64

#define VGPU_ERR_NONE			0
#define VGPU_ERR_OPCODE			1	/* no such command */
#define VGPU_ERR_FLAGS			2	/* unknown flag, or not one of this command */
#define VGPU_ERR_RESERVED		3	/* a reserved field is not 0 */
#define VGPU_ERR_RANGE			4	/* a number is out of its range */
#define VGPU_ERR_ALIGN			5	/* an address or pitch is not aligned */
#define VGPU_ERR_VRAM			6	/* beyond the end of the VRAM */
#define VGPU_ERR_DMA			7	/* guest memory is not there, or read-only */
#define VGPU_ERR_OVERLAP		8	/* source and destination overlap */
#define VGPU_ERR_RING			9	/* PUT is further ahead than the ring is long */
#define VGPU_ERR_BUS_MASTER		10	/* bus mastering is off in PCI_COMMAND */
#define VGPU_ERR_FAULT			11	/* the command FAULT */
#define VGPU_ERR_HANG			12	/* took too long, and was stopped */
#define VGPU_ERR_RESET			13	/* the slice was reset by its host */
#define VGPU_ERR_MEMORY			14	/* the host has no memory for this VRAM page */
#define VGPU_ERR_STORM			15	/* too many faults: halted for a while */

/* An address with this bit is an offset in VRAM, else one of guest memory. */
#define VGPU_VRAM			(1ULL << 63)

#define VGPU_OP_NOP			0x00
#define VGPU_OP_FENCE			0x01
#define VGPU_OP_RELEASE			0x02
#define VGPU_OP_ACQUIRE			0x03
#define VGPU_OP_FILL			0x10
#define VGPU_OP_COPY			0x11
#define VGPU_OP_COPY2D			0x12
#define VGPU_OP_BLIT			0x13
#define VGPU_OP_GEMM			0x20
#define VGPU_OP_REDUCE			0x21
#define VGPU_OP_HISTOGRAM		0x22
#define VGPU_OP_CRC32C			0x23
#define VGPU_OP_SPIN			0x70
#define VGPU_OP_SPIN_FOREVER		0x71
#define VGPU_OP_FAULT			0x72

/* Flags of commands, and of which. */
#define VGPU_F_IRQ			(1U << 0)	/* FENCE */
#define VGPU_F_TIMESTAMP		(1U << 1)	/* RELEASE */
#define VGPU_F_GE			(1U << 2)	/* ACQUIRE: until >=, not until == */
#define VGPU_F_ACCUMULATE		(1U << 3)	/* GEMM, HISTOGRAM: add to what is there */
#define VGPU_F_NOPREEMPT		(1U << 4)	/* SPIN*: without a checkpoint */

/* Pixel formats of BLIT: names as in DRM, bytes in memory lowest first. */
#define VGPU_FMT_XRGB8888		0	/* B G R x */
#define VGPU_FMT_ARGB8888		1	/* B G R A, premultiplied */
#define VGPU_FMT_XBGR8888		2	/* R G B x */
#define VGPU_FMT_ABGR8888		3	/* R G B A, premultiplied */
#define VGPU_FMT_RGB565			4	/* 16 bit: R high */
#define VGPU_FMT_R8			5	/* grey */
#define VGPU_NR_FMTS			6

#define VGPU_ROP_COPY			0	/* s */
#define VGPU_ROP_NOT			1	/* ~s */
#define VGPU_ROP_AND			2	/* s & d */
#define VGPU_ROP_OR			3	/* s | d */
#define VGPU_ROP_XOR			4	/* s ^ d */
#define VGPU_ROP_INVERT			5	/* ~d */
#define VGPU_ROP_OVER			6	/* s + d * (255 - alpha of s) / 255 */
#define VGPU_NR_ROPS			7

#define VGPU_REDUCE_SUM			0	/* of u32, modulo 2^64 */
#define VGPU_REDUCE_XOR			1	/* of u32 */
#define VGPU_REDUCE_MIN			2	/* of s32, sign-extended to 64 bits */
#define VGPU_REDUCE_MAX			3
#define VGPU_NR_REDUCES			4

#define VGPU_MAX_PITCH			(1U << 20)
#define VGPU_MAX_LINES			65536
#define VGPU_MAX_BYTES			(1ULL << 40)
#define VGPU_MAX_GEMM			16384
#define VGPU_MAX_SPIN			1000000000000ULL

/* The longest way between two checkpoints, and what each command costs besides. */
#define VGPU_CHECKPOINT_UNITS		32768
#define VGPU_COMMAND_UNITS		64

/**
 * struct vgpu_cmd_fence - FENCE: all commands before it in the queue are done
 * @value: for VGPU_Q_FENCE_*
 * @addr: where to store @value, too, 8 byte aligned; with @store
 * @store: 1 or 0
 * @pad: 0
 *
 * Flag: VGPU_F_IRQ raises VGPU_INTR_FENCE(q).
 */
struct vgpu_cmd_fence {
	__u64 value;
	__u64 addr;
	__u32 store;
	__u32 pad[9];
};

/**
 * struct vgpu_cmd_sem - RELEASE and ACQUIRE
 * @addr: of a 64-bit value, 8 byte aligned; 16 with VGPU_F_TIMESTAMP
 * @value: to store, or to wait for
 * @pad: 0
 *
 * VGPU_F_TIMESTAMP stores the engine clock in ns at @addr + 8, before @value.
 * Comparisons are unsigned.
 */
struct vgpu_cmd_sem {
	__u64 addr;
	__u64 value;
	__u32 pad[10];
};

/**
 * struct vgpu_cmd_fill - FILL: a rectangle with a pattern
 * @dst: address, aligned to @element
 * @pitch: bytes from a line to the next, a multiple of @element
 * @width: bytes of a line, a multiple of @element, up to @pitch
 * @lines: how many
 * @element: 1, 2 or 4 bytes
 * @pattern: its low @element bytes are stored over and over
 * @pad: 0
 */
struct vgpu_cmd_fill {
	__u64 dst;
	__u32 pitch;
	__u32 width;
	__u32 lines;
	__u32 element;
	__u32 pattern;
	__u32 pad[7];
};

/**
 * struct vgpu_cmd_copy - COPY: bytes
 * @src: address
 * @dst: address; must not overlap
 * @bytes: 1 to VGPU_MAX_BYTES
 * @pad: 0
 */
struct vgpu_cmd_copy {
	__u64 src;
	__u64 dst;
	__u64 bytes;
	__u32 pad[8];
};

/**
 * struct vgpu_cmd_copy2d - COPY2D: lines of bytes
 * @src: address
 * @dst: address; the two ranges, from the first to the last byte, must not overlap
 * @src_pitch: bytes from a line to the next, at least @width
 * @dst_pitch: likewise
 * @width: bytes of a line
 * @lines: how many
 * @pad: 0
 */
struct vgpu_cmd_copy2d {
	__u64 src;
	__u64 dst;
	__u32 src_pitch;
	__u32 dst_pitch;
	__u32 width;
	__u32 lines;
	__u32 pad[6];
};

/**
 * struct vgpu_cmd_blit - BLIT: pixels, with format conversion and a raster operation
 * @src: address, aligned to its pixel
 * @dst: address, aligned to its pixel; no overlap, as with COPY2D
 * @src_pitch: bytes, a multiple of its pixel
 * @dst_pitch: bytes, a multiple of its pixel
 * @width: pixels of a line
 * @lines: how many
 * @src_fmt: VGPU_FMT_*
 * @dst_fmt: VGPU_FMT_*
 * @rop: VGPU_ROP_*
 * @pad: 0
 */
struct vgpu_cmd_blit {
	__u64 src;
	__u64 dst;
	__u32 src_pitch;
	__u32 dst_pitch;
	__u32 width;
	__u32 lines;
	__u32 src_fmt;
	__u32 dst_fmt;
	__u32 rop;
	__u32 pad[3];
};

/**
 * struct vgpu_cmd_gemm - GEMM: C = A * B, or C += A * B with VGPU_F_ACCUMULATE
 * @a: address of M rows of K signed bytes
 * @b: address of K rows of N signed bytes
 * @c: address of M rows of N 32-bit numbers, 4 byte aligned; modulo 2^32. No
 *	overlap with A or B
 * @m: rows of A and C, 1 to VGPU_MAX_GEMM
 * @n: columns of B and C
 * @k: columns of A, rows of B
 * @lda: bytes from a row of A to the next, at least K
 * @ldb: bytes from a row of B to the next, at least N
 * @ldc: bytes from a row of C to the next, at least 4 N, a multiple of 4
 * @pad: 0
 */
struct vgpu_cmd_gemm {
	__u64 a;
	__u64 b;
	__u64 c;
	__u32 m;
	__u32 n;
	__u32 k;
	__u32 lda;
	__u32 ldb;
	__u32 ldc;
	__u32 pad[2];
};

/**
 * struct vgpu_cmd_reduce - REDUCE, HISTOGRAM and CRC32C: much in, little out
 * @src: address of the data; REDUCE: 4 byte aligned
 * @dst: address of the result: REDUCE: 64 bit, HISTOGRAM: 256 times 32 bit, both 8
 *	byte aligned, CRC32C: 32 bit, 4 byte aligned. No overlap
 * @bytes: of data, 1 to VGPU_MAX_BYTES; REDUCE: a multiple of 4
 * @op: REDUCE: VGPU_REDUCE_*; else 0
 * @seed: CRC32C: of what came before, 0 at the beginning; else 0
 * @pad: 0
 */
struct vgpu_cmd_reduce {
	__u64 src;
	__u64 dst;
	__u64 bytes;
	__u32 op;
	__u32 seed;
	__u32 pad[6];
};

/**
 * struct vgpu_cmd_spin - SPIN: use the engine
 * @ns: engine time, 1 to VGPU_MAX_SPIN
 * @pad: 0
 */
struct vgpu_cmd_spin {
	__u64 ns;
	__u32 pad[12];
};

/**
 * struct vgpu_cmd - a command, 64 bytes
 * @op: VGPU_OP_*
 * @flags: VGPU_F_*
 * @fence: of FENCE
 * @sem: of RELEASE and ACQUIRE
 * @fill: of FILL
 * @copy: of COPY
 * @copy2d: of COPY2D
 * @blit: of BLIT
 * @gemm: of GEMM
 * @reduce: of REDUCE, HISTOGRAM and CRC32C
 * @spin: of SPIN
 * @raw: all of it; 0 with NOP, SPIN_FOREVER and FAULT
 */
struct vgpu_cmd {
	__u32 op;
	__u32 flags;
	__extension__ union {
		struct vgpu_cmd_fence fence;
		struct vgpu_cmd_sem sem;
		struct vgpu_cmd_fill fill;
		struct vgpu_cmd_copy copy;
		struct vgpu_cmd_copy2d copy2d;
		struct vgpu_cmd_blit blit;
		struct vgpu_cmd_gemm gemm;
		struct vgpu_cmd_reduce reduce;
		struct vgpu_cmd_spin spin;
		__u32 raw[14];
	};
};

#endif
