/* SPDX-License-Identifier: GPL-2.0 */
/* What the files behind `virtlite up` and `down` share. */
#ifndef VIRTLITE_UP_H
#define VIRTLITE_UP_H

#include "../stack/stack.h"

/* Records, and what guests say, unless --state says otherwise. */
#define UP_STATE	"/run/virtlite"

extern const char *up_state;

/* up_kinds.c, up_guest.c: the real objects. */
extern const struct stack_ops up_switch, up_port, up_disk, up_gpu, up_slice, up_guest;

/* Do the options make sense? Exit status; says what is wrong. */
int up_check(const struct stack *plan, const struct stack_object *o, const char *file);
int up_check_guest(const struct stack_object *o, char *name);

/* For people: /dev/vblk3, vgpu0; the caller's buffer. */
const char *up_where(const struct stack_object *o, char *text, size_t size);

/* Process of a running guest: 0: it does not run; -errno. */
int up_guest_pid(const char *lock);

#endif
