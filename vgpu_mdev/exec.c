// SPDX-License-Identifier: GPL-2.0
/*
 * Executing a command, one step from checkpoint to checkpoint at a time. Pure:
 * what is memory and what is time, struct vg_mem knows.
 */

#include "exec.h"

static_assert(offsetof(struct vg_exec, in) % 8 == 0);
static_assert(offsetof(struct vg_exec, out) % 8 == 0);

/**
 * vg_exec_begin() - the next command
 * @x: its state; whatever was there is over
 * @c: command that vg_cmd_check() has found good
 */
void vg_exec_begin(struct vg_exec *x, const struct vgpu_cmd *c)
{
	x->c = *c;
	x->begun = false;
	x->pos = 0;
	x->line = 0;
	x->i = 0;
	x->j = 0;
	x->l = 0;
	x->acc = 0;
}

static int fence(struct vg_exec *x, struct vg_mem *m)
{
	if (!x->c.fence.store)
		return VG_DONE;
	return vg_write(m, x->c.fence.addr, &x->c.fence.value, 8);
}

static int release(struct vg_exec *x, struct vg_mem *m)
{
	u64 now = m->now(m);
	u32 err = 0;

	if (x->c.flags & VGPU_F_TIMESTAMP)
		err = vg_write(m, x->c.sem.addr + 8, &now, 8);
	if (err)
		return err;
	/* Who sees the value sees the time, too. */
	smp_wmb();
	return vg_write(m, x->c.sem.addr, &x->c.sem.value, 8);
}

static int acquire(struct vg_exec *x, struct vg_mem *m)
{
	u64 value;
	u32 err = vg_read(m, x->c.sem.addr, &value, 8);

	if (err)
		return err;
	if (x->c.flags & VGPU_F_GE ? value >= x->c.sem.value : value == x->c.sem.value)
		return VG_DONE;
	return VG_WAIT;
}

static int spin(struct vg_exec *x, struct vg_mem *m)
{
	u64 left = x->c.op == VGPU_OP_SPIN ? x->c.spin.ns - x->pos : VG_SPIN;
	u64 passed = m->spin(m, min_t(u64, left, VG_SPIN));

	/* A machine that stands still for a while has not worked longer. */
	passed = min(passed, left);
	x->units += min_t(u64, passed, VG_SPIN);
	x->pos += passed;
	return x->c.op == VGPU_OP_SPIN && x->pos >= x->c.spin.ns ? VG_DONE : VG_MORE;
}

/**
 * vg_exec_step() - go on to the next checkpoint
 * @x: command
 * @m: its memory
 *
 * An ACQUIRE that waits has done nothing, and is to be stepped again later.
 *
 * Return: VG_DONE, VG_MORE, VG_WAIT or VGPU_ERR_*; @x->units is set in any case.
 */
int vg_exec_step(struct vg_exec *x, struct vg_mem *m)
{
	x->units = x->begun ? 0 : VGPU_COMMAND_UNITS;
	x->begun = true;
	switch (x->c.op) {
	case VGPU_OP_FENCE:
		return fence(x, m);
	case VGPU_OP_RELEASE:
		return release(x, m);
	case VGPU_OP_ACQUIRE:
		return acquire(x, m);
	case VGPU_OP_FILL:
		return vg_exec_fill(x, m);
	case VGPU_OP_COPY:
		return vg_exec_copy(x, m);
	case VGPU_OP_COPY2D:
		return vg_exec_copy2d(x, m);
	case VGPU_OP_BLIT:
		return vg_exec_blit(x, m);
	case VGPU_OP_GEMM:
		return vg_exec_gemm(x, m);
	case VGPU_OP_REDUCE:
	case VGPU_OP_HISTOGRAM:
	case VGPU_OP_CRC32C:
		return vg_exec_reduce(x, m);
	case VGPU_OP_SPIN:
	case VGPU_OP_SPIN_FOREVER:
		return spin(x, m);
	case VGPU_OP_FAULT:
		return VGPU_ERR_FAULT;
	}
	return VG_DONE;
}
