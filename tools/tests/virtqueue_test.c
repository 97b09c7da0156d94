// SPDX-License-Identifier: GPL-2.0
/*
 * The virtqueue parser against good rings, against rings that break each rule
 * of the specification, and against noise.
 */
#include <stdlib.h>
#include <string.h>

#include "../vmm/layout.h"
#include "../vmm/virtqueue.h"
#include "tap.h"

#define SIZE	16
#define DESC	0x1000ULL
#define AVAIL	0x2000ULL
#define USED	0x3000ULL
#define TABLE	0x4000ULL
#define DATA	0x10000ULL
#define RAM	(1 * GIB)

#define NEXT	VRING_DESC_F_NEXT
#define WRITE	VRING_DESC_F_WRITE
#define IND	VRING_DESC_F_INDIRECT

static struct memory mem;
static struct virtqueue vq;
static struct vq_elem e;
static struct vring_desc *desc, *table;
static struct vring_avail *avail;
static struct vring_used *used;

static void fresh(bool event_idx)
{
	memset(memory_ptr(&mem, 0, DATA), 0, DATA);
	vq_init(&vq, &mem, SIZE, DESC, AVAIL, USED, event_idx);
}

static void put(struct vring_desc *d, u64 addr, u32 len, u16 flags, u16 next)
{
	*d = (struct vring_desc){ addr, len, flags, next };
}

static void offer(u16 head)
{
	avail->ring[avail->idx % SIZE] = head;
	avail->idx++;
}

/* What vq_pop() makes of a chain that begins at descriptor 0. */
static int pop0(void)
{
	offer(0);
	return vq_pop(&vq, &e);
}

static void test_init(void)
{
	struct virtqueue q;

	ok(!vq_init(&q, &mem, 256, DESC, AVAIL, USED, false), "a queue of 256");
	ok(vq_init(&q, &mem, 0, DESC, AVAIL, USED, false), "size 0");
	ok(vq_init(&q, &mem, 12, DESC, AVAIL, USED, false),
	   "size that is no power of two");
	ok(vq_init(&q, &mem, 512, DESC, AVAIL, USED, false), "size too large");
	ok(vq_init(&q, &mem, SIZE, DESC + 8, AVAIL, USED, false),
	   "descriptors misaligned");
	ok(vq_init(&q, &mem, SIZE, DESC, AVAIL + 1, USED, false),
	   "available ring misaligned");
	ok(vq_init(&q, &mem, SIZE, DESC, AVAIL, USED + 2, false),
	   "used ring misaligned");
	ok(vq_init(&q, &mem, SIZE, RAM - 16, AVAIL, USED, false),
	   "descriptors run out of RAM");
	ok(vq_init(&q, &mem, SIZE, DESC, RAM - 4, USED, false),
	   "available ring runs out of RAM");
	ok(vq_init(&q, &mem, SIZE, DESC, AVAIL, ~3ULL, false),
	   "used ring wraps around");
	ok(vq_init(&q, &mem, SIZE, DESC, AVAIL, USED + (1ULL << 63), false),
	   "used ring far away");
}

static void test_good(void)
{
	fresh(false);
	ok(vq_pop(&vq, &e) == 0, "an empty ring has nothing");

	put(&desc[0], DATA, 16, NEXT, 3);
	put(&desc[3], DATA + 4096, 512, NEXT | WRITE, 5);
	put(&desc[5], DATA + 8192, 1, WRITE, 0);
	ok(pop0() == 1 && e.nr_out == 1 && e.nr_in == 2 && e.out_len == 16 &&
	   e.in_len == 513, "a chain of three");
	ok(e.iov[1].iov_base == memory_ptr(&mem, DATA + 4096, 1) &&
	   e.iov[1].iov_len == 512, "is translated");
	vq_push(&vq, &e, 513);
	ok(used->idx == 1 && used->ring[0].id == 0 && used->ring[0].len == 513,
	   "and given back");
	ok(vq_pop(&vq, &e) == 0, "once");

	fresh(false);
	put(&desc[2], TABLE, 2 * 16, IND, 0);
	put(&table[0], DATA, 8, NEXT, 1);
	put(&table[1], DATA, 8, WRITE, 0);
	offer(2);
	ok(vq_pop(&vq, &e) == 1 && e.head == 2 && e.nr_out == 1 &&
	   e.nr_in == 1, "an indirect table");

	fresh(false);
	put(&desc[0], DATA, 8, NEXT, 1);
	put(&desc[1], TABLE, 16, IND, 0);
	put(&table[0], DATA, 8, WRITE, 0);
	ok(pop0() == 1 && e.nr_out == 1 && e.nr_in == 1,
	   "an indirect table at the end of a chain");

	fresh(false);
	put(&desc[0], ~0ULL, 0, NEXT, 1);
	put(&desc[1], DATA, 8, 0, 0);
	ok(pop0() == 1 && e.nr_out == 1, "an empty piece counts for nothing");

	fresh(false);
	for (unsigned int i = 0; i < SIZE; i++)
		put(&desc[i], DATA, 1, i + 1 < SIZE ? NEXT : 0, i + 1);
	ok(pop0() == 1 && e.nr_out == SIZE, "a chain of the whole table");

	fresh(false);
	put(&desc[0], TABLE, VQ_MAX_SIZE * 16, IND, 0);
	for (unsigned int i = 0; i < VQ_MAX_SIZE; i++)
		put(&table[i], DATA, 1, i + 1 < VQ_MAX_SIZE ? NEXT : 0, i + 1);
	ok(pop0() == 1 && e.nr_out == VQ_MAX_SIZE,
	   "an indirect table of 256");
}

static void test_wrap(void)
{
	bool good = true;

	fresh(false);
	put(&desc[1], DATA, 8, 0, 0);
	for (unsigned int i = 0; i < 70000; i++) {
		offer(1);
		good &= vq_pop(&vq, &e) == 1;
		vq_push(&vq, &e, 0);
	}
	ok(good && used->idx == (u16)70000, "indices wrap around");
}

static void test_broken(void)
{
	fresh(false);
	offer(SIZE);
	ok(vq_pop(&vq, &e) < 0, "a head out of range");

	fresh(false);
	avail->idx = SIZE + 1;
	ok(vq_pop(&vq, &e) < 0, "more entries than the ring has");

	fresh(false);
	avail->idx = 0xffff;
	ok(vq_pop(&vq, &e) < 0, "an index that goes back");

	fresh(false);
	put(&desc[0], DATA, 8, NEXT, SIZE);
	ok(pop0() < 0, "a next out of range");

	fresh(false);
	put(&desc[0], DATA, 8, NEXT, 1);
	put(&desc[1], DATA, 8, NEXT, 0);
	ok(pop0() < 0, "a loop");

	fresh(false);
	put(&desc[0], DATA, 0, NEXT, 0);
	ok(pop0() < 0, "a loop of nothing");

	fresh(false);
	put(&desc[0], RAM - 4, 8, 0, 0);
	ok(pop0() < 0, "a piece that runs out of RAM");

	fresh(false);
	put(&desc[0], ~7ULL, 16, 0, 0);
	ok(pop0() < 0, "a piece that wraps around");

	fresh(false);
	put(&desc[0], LAPIC_ADDR, 8, 0, 0);
	ok(pop0() < 0, "a piece in the device hole");

	fresh(false);
	put(&desc[0], DATA, 8, WRITE | NEXT, 1);
	put(&desc[1], DATA, 8, 0, 0);
	ok(pop0() < 0, "a piece to read after one to write");

	fresh(false);
	for (unsigned int i = 0; i < 5; i++)
		put(&desc[i], 0, RAM, i < 4 ? NEXT : 0, i + 1);
	ok(pop0() < 0, "more bytes than a used length can say");
}

static void test_broken_indirect(void)
{
	fresh(false);
	put(&desc[0], TABLE, 16, IND | NEXT, 1);
	put(&table[0], DATA, 8, 0, 0);
	ok(pop0() < 0, "an indirect table that is not the last");

	fresh(false);
	put(&desc[0], TABLE, 32, IND, 0);
	put(&table[0], TABLE, 16, IND, 0);
	ok(pop0() < 0, "an indirect table in an indirect table");

	fresh(false);
	put(&desc[0], TABLE, 24, IND, 0);
	put(&table[0], DATA, 8, 0, 0);
	ok(pop0() < 0, "a table of one entry and a half");

	fresh(false);
	put(&desc[0], TABLE, 0, IND, 0);
	ok(pop0() < 0, "a table without entries");

	fresh(false);
	put(&desc[0], TABLE, (VQ_MAX_SIZE + 1) * 16, IND, 0);
	put(&table[0], DATA, 8, 0, 0);
	ok(pop0() < 0, "a table too long");

	fresh(false);
	put(&desc[0], RAM - 16, 32, IND, 0);
	ok(pop0() < 0, "a table that runs out of RAM");

	fresh(false);
	put(&desc[0], TABLE, 32, IND, 0);
	put(&table[0], DATA, 8, NEXT, 2);
	put(&table[2], DATA, 8, 0, 0);
	ok(pop0() < 0, "a next outside the table");
}

static void test_signal(void)
{
	fresh(false);
	vq_push(&vq, &e, 0);
	ok(vq_must_signal(&vq), "an interrupt unless the driver says no");
	avail->flags = VRING_AVAIL_F_NO_INTERRUPT;
	vq_push(&vq, &e, 0);
	ok(!vq_must_signal(&vq), "none if it says no");
	vq_disable_notify(&vq);
	ok(used->flags == VRING_USED_F_NO_NOTIFY, "kicks are switched off");
	ok(!vq_enable_notify(&vq) && !used->flags, "and on");
	offer(0);
	ok(vq_enable_notify(&vq), "what came meanwhile is seen");

	fresh(true);
	avail->ring[SIZE] = 2;	/* signal after the third */
	vq_push(&vq, &e, 0);
	ok(vq_must_signal(&vq), "event index: the first signals in any case");
	vq_push(&vq, &e, 0);
	ok(!vq_must_signal(&vq), "event index: not yet");
	vq_push(&vq, &e, 0);
	ok(vq_must_signal(&vq), "event index: now");
	vq_push(&vq, &e, 0);
	ok(!vq_must_signal(&vq), "event index: no more");
	for (unsigned int i = 4; i < 65536 + 2; i++) {
		vq_push(&vq, &e, 0);
		vq_must_signal(&vq);
	}
	vq_push(&vq, &e, 0);
	ok(vq_must_signal(&vq), "event index: again after a whole turn");
	offer(0);
	vq_pop(&vq, &e);
	ok(!vq_enable_notify(&vq) && *(u16 *)&used->ring[SIZE] == 1,
	   "event index: where to kick next");
}

static void test_iov(void)
{
	char a[4] = "abc", b[4] = "def", out[8] = "";
	struct iovec iov[2] = { { a, 3 }, { b, 3 } }, part[2];

	ok(iov_to_buf(iov, 2, 2, out, 3) == 3 && !memcmp(out, "cde", 3),
	   "copy out across pieces");
	ok(iov_to_buf(iov, 2, 5, out, 8) == 1, "no further than the end");
	ok(iov_to_buf(iov, 2, 1000, out, 8) == 0, "nothing beyond it");
	ok(iov_from_buf(iov, 2, 2, "XY", 2) == 2 && a[2] == 'X' && b[0] == 'Y',
	   "copy in across pieces");
	ok(iov_slice(part, iov, 2, 1, 3) == 2 && part[0].iov_base == a + 1 &&
	   part[0].iov_len == 2 && part[1].iov_len == 1, "a slice");
	ok(iov_slice(part, iov, 2, 6, 3) == 0, "a slice beyond the end");
}

/* Whatever is in the rings, what comes out lies in RAM and is bounded. */
static void test_noise(void)
{
	static const u16 flags[] = { 0, NEXT, WRITE, NEXT | WRITE, IND, 0xffff };
	u8 *ram = memory_ptr(&mem, 0, RAM);
	unsigned int taken = 0;
	bool good = true;

	srand(1);
	for (unsigned int round = 0; round < 200000 && good; round++) {
		fresh(rand() & 1);
		for (unsigned int i = 0; i < SIZE; i++) {
			put(&desc[i], rand() % 4 ? DATA + rand() % 4096 :
			    rand() % 2 ? TABLE : (u64)rand() << 33,
			    rand() % 8 ? rand() % 64 * 16U : rand() * 2U,
			    flags[rand() % 6], rand() % (SIZE + 2));
			put(&table[i], DATA, rand() % 64,
			    flags[rand() % 6], rand() % (SIZE + 2));
		}
		for (unsigned int i = 0; i < 4; i++)
			offer(rand() % (SIZE + 1));
		for (unsigned int i = 0; i < 5; i++) {
			if (vq_pop(&vq, &e) <= 0)
				break;
			taken++;
			good &= e.nr_out + e.nr_in <= VQ_MAX_SIZE;
			for (unsigned int p = 0; p < e.nr_out + e.nr_in; p++) {
				u8 *base = e.iov[p].iov_base;

				good &= base >= ram && e.iov[p].iov_len &&
					base + e.iov[p].iov_len <= ram + RAM;
			}
			vq_push(&vq, &e, 0);
		}
	}
	ok(good, "noise: every piece lies in RAM");
	ok(taken > 1000, "noise: some of it made sense");
}

int main(void)
{
	if (memory_init(&mem, RAM))
		return 1;
	desc = memory_ptr(&mem, DESC, 4096);
	avail = memory_ptr(&mem, AVAIL, 4096);
	used = memory_ptr(&mem, USED, 4096);
	table = memory_ptr(&mem, TABLE, 4 * 4096);

	test_init();
	test_good();
	test_wrap();
	test_broken();
	test_broken_indirect();
	test_signal();
	test_iov();
	test_noise();
	memory_exit(&mem);
	return tap_done();
}
