// SPDX-License-Identifier: GPL-2.0
/*
 * Counts calls of one ioctl() of each module that makes a device: attaches to the
 * functions themselves, which a kernel allows for whose types it knows.
 */
#define SEC(name) __attribute__((section(name), used))

char _license[] SEC("license") = "GPL";

/* What bpftool reads as an array of one value. */
unsigned long long calls[2];

SEC("fentry/vsw_dev_ioctl")
int on_switch(void *context)
{
	(void)context;
	__sync_fetch_and_add(&calls[0], 1);
	return 0;
}

SEC("fentry/kl_dev_ioctl")
int on_hypervisor(void *context)
{
	(void)context;
	__sync_fetch_and_add(&calls[1], 1);
	return 0;
}
