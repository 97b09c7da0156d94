// SPDX-License-Identifier: GPL-2.0
/*
 * Every way for a kernel to fail that scripts/testbed/run must notice, one
 * per load. For scripts/testbed/selftest; never for a machine one cares about.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/delay.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <asm/desc.h>

static char *what = "nothing";
module_param(what, charp, 0444);
MODULE_PARM_DESC(what, "nothing, refuse, warn, oops, panic, triple, busy, leak, kasan, lockdep or spin");

static DEFINE_MUTEX(first);
static DEFINE_MUTEX(second);
static void *volatile lost;

/* Not in the init section: its name is still known when the leak is found. */
static noinline void faults_leak(void)
{
	if (!kmalloc(100, GFP_KERNEL))
		pr_info("no memory to lose\n");
}

/* The order of two locks, one way and then the other. */
static void lock_both_ways(void)
{
	mutex_lock(&first);
	mutex_lock(&second);
	mutex_unlock(&second);
	mutex_unlock(&first);

	mutex_lock(&second);
	mutex_lock(&first);
	mutex_unlock(&first);
	mutex_unlock(&second);
}

static void use_after_free(void)
{
	char *p = kmalloc(64, GFP_KERNEL);

	if (!p)
		return;
	OPTIMIZER_HIDE_VAR(p);
	kfree(p);
	WRITE_ONCE(p[8], 1);
}

/* Without an interrupt table the next exception resets the machine. */
static void triple_fault(void)
{
	static const struct desc_ptr none;

	load_idt(&none);
	asm volatile("ud2");
}

static int __init faults_init(void)
{
	pr_info("asked for %s\n", what);
	if (!strcmp(what, "refuse"))
		return -ENODEV;
	if (!strcmp(what, "warn"))
		WARN(1, "as asked");
	if (!strcmp(what, "oops"))
		*(volatile int *)lost = 1;
	if (!strcmp(what, "panic"))
		panic("as asked");
	if (!strcmp(what, "triple"))
		triple_fault();
	if (!strcmp(what, "busy"))
		__module_get(THIS_MODULE);
	if (!strcmp(what, "leak"))
		faults_leak();
	if (!strcmp(what, "kasan"))
		use_after_free();
	if (!strcmp(what, "lockdep"))
		lock_both_ways();
	if (!strcmp(what, "spin"))
		for (;;)
			mdelay(1000);
	return 0;
}

static void __exit faults_exit(void)
{
}

module_init(faults_init);
module_exit(faults_exit);
MODULE_DESCRIPTION("Failures on demand, to test the testbed");
MODULE_LICENSE("GPL");
