// SPDX-License-Identifier: GPL-2.0
/*
 * How commands reach their operands. VRAM is used where it is, page by page;
 * guest memory through a bounce buffer, so that no command ever holds on to a
 * page of it. Pure.
 */

#include "exec.h"

static u8 *vram(struct vg_mem *m, u64 addr)
{
	u64 off = addr & ~VGPU_VRAM;
	u8 *page = m->vram(m, off);

	return page ? page + off % VG_PAGE : NULL;
}

/* Any range, copied. */
static u32 transfer(struct vg_mem *m, u64 addr, u8 *buf, u32 len, bool write)
{
	while (len) {
		u32 n = vg_run(addr, len), err;
		u8 *p;

		if (!(addr & VGPU_VRAM)) {
			err = m->dma(m, addr, buf, n, write);
			if (err)
				return err;
		} else {
			p = vram(m, addr);
			if (!p)
				return VGPU_ERR_MEMORY;
			if (write)
				memcpy(p, buf, n);
			else
				memcpy(buf, p, n);
		}
		addr += n;
		buf += n;
		len -= n;
	}
	return 0;
}

/**
 * vg_read() - copy an operand
 * @m: memory
 * @addr: where, checked by vg_cmd_check()
 * @buf: to
 * @len: bytes
 *
 * Return: 0 or VGPU_ERR_*.
 */
u32 vg_read(struct vg_mem *m, u64 addr, void *buf, u32 len)
{
	return transfer(m, addr, buf, len, false);
}

/**
 * vg_write() - store a result
 * @m: memory
 * @addr: where, checked by vg_cmd_check()
 * @buf: from
 * @len: bytes
 *
 * Return: 0 or VGPU_ERR_*.
 */
u32 vg_write(struct vg_mem *m, u64 addr, const void *buf, u32 len)
{
	return transfer(m, addr, (u8 *)buf, len, true);
}

/**
 * vg_run() - how much can be accessed at once
 * @addr: from here
 * @len: at most
 *
 * Return: bytes, at least one, and all of an aligned element.
 */
u32 vg_run(u64 addr, u64 len)
{
	u32 most = addr & VGPU_VRAM ? VG_PAGE - addr % VG_PAGE : VG_CHUNK;

	return min_t(u64, len, most);
}

/**
 * vg_get() - an input
 * @x: command, for its buffer
 * @m: memory
 * @addr: where
 * @len: bytes, not more than vg_run() says
 * @p: set to it
 *
 * Return: 0 or VGPU_ERR_*.
 */
u32 vg_get(struct vg_exec *x, struct vg_mem *m, u64 addr, u32 len, const u8 **p)
{
	if (addr & VGPU_VRAM) {
		*p = vram(m, addr);
		return *p ? 0 : VGPU_ERR_MEMORY;
	}
	*p = x->in;
	return m->dma(m, addr, x->in, len, false);
}

/**
 * vg_put_begin() - where to put an output
 * @x: command, for its buffer
 * @m: memory
 * @addr: where it goes in the end
 * @len: bytes, not more than vg_run() says
 * @load: what is there is needed
 * @p: set to where to write; vg_put_end() afterwards
 *
 * Return: 0 or VGPU_ERR_*.
 */
u32 vg_put_begin(struct vg_exec *x, struct vg_mem *m, u64 addr, u32 len, bool load, u8 **p)
{
	if (addr & VGPU_VRAM) {
		*p = vram(m, addr);
		return *p ? 0 : VGPU_ERR_MEMORY;
	}
	*p = x->out;
	return load ? m->dma(m, addr, x->out, len, false) : 0;
}

/**
 * vg_put_end() - an output is complete
 * @m: memory
 * @addr: as for vg_put_begin()
 * @p: from vg_put_begin(), or an input of vg_get() that is to be stored as it is
 * @len: as for vg_put_begin()
 *
 * Return: 0 or VGPU_ERR_*.
 */
u32 vg_put_end(struct vg_mem *m, u64 addr, const u8 *p, u32 len)
{
	if (addr & VGPU_VRAM)
		return 0;
	return m->dma(m, addr, (u8 *)p, len, true);
}
