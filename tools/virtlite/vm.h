/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the files of `virtlite vm` share.
 */
#ifndef VIRTLITE_VM_H
#define VIRTLITE_VM_H

#include "../vmm/types.h"

struct vmm_config;

int vm_parse(int argc, char **argv, struct vmm_config *cfg);
bool parse_size(const char *s, u64 *size);
bool parse_count(const char *s, unsigned int *n);

int do_vm_balloon(int argc, char **argv);

#endif /* VIRTLITE_VM_H */
