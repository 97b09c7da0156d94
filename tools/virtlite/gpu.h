/* SPDX-License-Identifier: GPL-2.0 */
/* What the files of `virtlite gpu` share. */
#ifndef VIRTLITE_GPU_H
#define VIRTLITE_GPU_H

#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <virtlite/vgpu.h>

int gpu_failed(void);
const char *gpu_name_of(const char * const *names, __u32 nr);
bool gpu_parse_size(const char *s, __u64 *bytes);
bool gpu_parse_time(const char *s, __u64 *ns);
bool gpu_parse_number(const char *s, __u32 *n);
bool gpu_parse_name(const char *s, const char * const *names, __u32 *n);
int gpu_parse_create(int argc, char **argv, struct vgpu_create *create);
int gpu_parse_slice_set(int argc, char **argv, struct vgpu_slice_set *set);
int gpu_random_uuid(char *uuid, size_t size);
int gpu_slice_make(int id, const char *type, const char *uuid);
int gpu_slice_remove(const char *uuid);
int gpu_take(int argc, char **argv, const char *verb, int *id);

int do_gpu_types(int argc, char **argv);
int do_gpu_slice(int argc, char **argv);
int do_gpu_top(int argc, char **argv);
int do_gpu_log(int argc, char **argv);
int do_gpu_run(int argc, char **argv);

#endif
