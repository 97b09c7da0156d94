/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VG_EXEC_H
#define VG_EXEC_H

#include "cmd.h"

#define VG_PAGE		4096u
#define VG_CHUNK	16384u		/* bytes from checkpoint to checkpoint */
#define VG_PIXELS	8192u		/* pixels, likewise */
#define VG_PIECES	64u		/* pieces of a chunk at most */
#define VG_BULK		65536u		/* bytes, likewise, where each costs next to nothing */
#define VG_TILE		32u		/* rows and columns of C in GEMM */
#define VG_DEPTH	64u		/* products for each of them */
#define VG_SPIN		16384u		/* ns */

/* Results of a step, besides VGPU_ERR_*. */
#define VG_DONE		0
#define VG_MORE		(-1)
#define VG_WAIT		(-2)

/**
 * struct vg_mem - what a command works on
 * @dma: copy guest memory to @buf, or from it with @write. Returns 0 or VGPU_ERR_*
 * @vram: the page that @off is in, for ever; NULL if there is no memory for it
 * @now: the engine's clock, ns
 * @spin: let up to @ns pass. Returns what has passed
 * @vram_bytes: how much of it there is
 */
struct vg_mem {
	u32 (*dma)(struct vg_mem *m, u64 iova, void *buf, u32 len, bool write);
	u8 *(*vram)(struct vg_mem *m, u64 off);
	u64 (*now)(struct vg_mem *m);
	u64 (*spin)(struct vg_mem *m, u64 ns);
	u64 vram_bytes;
};

/**
 * struct vg_exec - a command that is being executed
 * @c: the command, checked
 * @units: work units of the last step
 * @begun: the first step has been made
 * @pos: bytes (or ns) done, in the line for rectangles
 * @line: lines done
 * @i: GEMM: row of the tile
 * @j: GEMM: its column
 * @l: GEMM: products done for it
 * @acc: REDUCE, CRC32C: so far
 * @hist: HISTOGRAM: so far
 * @tile: GEMM: so far
 * @in: bounce buffer
 * @out: bounce buffer
 *
 * Between two steps this, and nothing else, is the command's state. The buffers
 * are aligned for 64 bits by what is before them.
 */
struct vg_exec {
	struct vgpu_cmd c;
	u32 units;
	bool begun;
	u64 pos;
	u32 line;
	u32 i, j, l;
	u64 acc;
	union {
		u32 hist[256];
		u32 tile[VG_TILE * VG_TILE];
	};
	u8 in[VG_CHUNK];
	u8 out[VG_CHUNK];
};

void vg_exec_begin(struct vg_exec *x, const struct vgpu_cmd *c);
int vg_exec_step(struct vg_exec *x, struct vg_mem *m);

/* access.c */
u32 vg_read(struct vg_mem *m, u64 addr, void *buf, u32 len);
u32 vg_write(struct vg_mem *m, u64 addr, const void *buf, u32 len);
u32 vg_run(u64 addr, u64 len);
u32 vg_get(struct vg_exec *x, struct vg_mem *m, u64 addr, u32 len, const u8 **p);
u32 vg_put_begin(struct vg_exec *x, struct vg_mem *m, u64 addr, u32 len, bool load, u8 **p);
u32 vg_put_end(struct vg_mem *m, u64 addr, const u8 *p, u32 len);

int vg_exec_fill(struct vg_exec *x, struct vg_mem *m);
int vg_exec_copy(struct vg_exec *x, struct vg_mem *m);
int vg_exec_copy2d(struct vg_exec *x, struct vg_mem *m);
int vg_exec_blit(struct vg_exec *x, struct vg_mem *m);
int vg_exec_gemm(struct vg_exec *x, struct vg_mem *m);
int vg_exec_reduce(struct vg_exec *x, struct vg_mem *m);

#endif
