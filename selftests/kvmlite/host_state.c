// SPDX-License-Identifier: GPL-2.0
/*
 * What is the host's, and changes while a guest runs: the thread that was in
 * KVM_RUN comes back to what is there now, not to what was there when it went in.
 */
#include <asm/ldt.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "vm.h"

GUEST(64, spin, "1: incq 0xc000\njmp 1b\n");

#define SELECTOR	7	/* the LDT's first entry, RPL 3 */

static void set_ldt(unsigned int limit)
{
	/* Data at 0, of 32 bits: contents 0, writable, in bytes, present, and free to use. */
	struct user_desc d = { 0, 0, limit, 1, 0, 0, 0, 0, 1 };

	OK(syscall(SYS_modify_ldt, 0x11, &d, sizeof(d)));
}

/* The limit of the descriptor, or 0 if the CPU finds none. */
static unsigned int ldt_limit(void)
{
	unsigned int limit = 0;
	bool ok;

	asm volatile("lsl %2, %0" : "+r" (limit), "=@ccz" (ok) : "r" (SELECTOR));
	return ok ? limit : 0;
}

struct visitor {
	struct vcpu *v;
	int result;
	unsigned int limit;
};

/* Out of the guest, and at once a look at the LDT. */
static void *visit(void *arg)
{
	struct visitor *t = arg;

	do {
		t->result = vcpu_run(t->v);
		t->limit = ldt_limit();
	} while (!t->result);
	return NULL;
}

static void ldt_during(unsigned int before, unsigned int after)
{
	struct vcpu *v = guest(64, spin);
	volatile uint64_t *count = guest_data(v, uint64_t);
	struct visitor t = { .v = v };
	pthread_t thread;
	uint64_t seen;

	if (before)
		set_ldt(before);
	catch_signal(SIGUSR1);
	REQUIRE(!pthread_create(&thread, NULL, visit, &t), "no thread");
	CHECK(await(*count > 100), "the guest does not run");
	set_ldt(after);
	/* It has been out for the interrupt that says so, and is in again. */
	seen = *count;
	CHECK(await(*count > seen + 100), "the guest does not go on");
	pthread_kill(thread, SIGUSR1);
	pthread_join(thread, NULL);
	EQ(t.result, -EINTR);
	EQ(t.limit, after);
	EQ(ldt_limit(), after);
}

/* A process without an LDT gets its first. */
static void ldt_is_made(void)
{
	unsigned int i, n = scale(20, 5);

	/* The first round alone has none before. */
	for (i = 0; i < n; i++)
		ldt_during(0, 0x100 + i);
}

/* And another in its place: what the CPU knew of the old one is freed memory. */
static void ldt_is_replaced(void)
{
	unsigned int i, n = scale(20, 5);

	for (i = 0; i < n; i++)
		ldt_during(0x200 + i, 0x300 + i);
}

static const struct test tests[] = {
	{ "ldt_is_made", ldt_is_made },
	{ "ldt_is_replaced", ldt_is_replaced },
};

TEST_SUITE(tests);
