/* SPDX-License-Identifier: GPL-2.0 */
/* What the machine says about itself, and what can be set there. */
#ifndef SELFTESTS_HOST_H
#define SELFTESTS_HOST_H

#include <stdbool.h>
#include <stdint.h>

/*
 * stat_value() - a counter in a file of KVM_GET_STATS_FD; the test ends if there
 * is none by that name.
 */
uint64_t stat_value(int fd, const char *name);

/* vm_stat(), vcpu_stat() - the same by way of the VM or vCPU. */
struct vm;
struct vcpu;
uint64_t vm_stat(struct vm *vm, const char *name);
uint64_t vcpu_stat(struct vcpu *v, const char *name);

/*
 * host_value() - the number behind @key in a file of lines "key number" or
 * "key: number"; with @key NULL the number that is all of the file. 0: not there.
 */
uint64_t host_value(const char *path, const char *key);

/* host_set() - Return: false and errno if the file did not take it. */
bool host_set(const char *path, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* long_run() - LONG=1: as much as is wanted, not as little as will do. */
bool long_run(void);

#endif
