/* SPDX-License-Identifier: GPL-2.0 */
/* /dev/vswitch. */
#ifndef VSWITCH_DEV_H
#define VSWITCH_DEV_H

#include <linux/netlink.h>
#include <linux/types.h>

struct file;
struct net;
struct vsw_port;
struct vsw_switch;

/**
 * struct vsw_file - an open /dev/vswitch
 * @net: the network namespace in which it acts; a reference
 * @owned: switches to delete with it; under RTNL
 */
struct vsw_file {
	struct net *net;
	struct list_head owned;
};

/**
 * struct vsw_call - a call while it is carried out
 * @file: by which it came
 * @arg: the argument, copied in, and out again if the call succeeds
 * @sw: the switch that it names, or NULL
 * @extack: what was wrong
 * @out: an array that goes out, too; kvmalloc()ed, freed by the caller
 * @out_len: its length in bytes
 * @out_ptr: where to
 * @new_file: a file that becomes a descriptor
 * @new_fd: where its number goes, in @arg
 *
 * The call is carried out under RTNL; everything is copied before or after, so
 * that no page fault of the caller's making keeps others waiting.
 */
struct vsw_call {
	struct vsw_file *file;
	void *arg;
	struct vsw_switch *sw;
	struct netlink_ext_ack extack;
	void *out;
	size_t out_len;
	u64 out_ptr;
	struct file *new_file;
	s32 *new_fd;
};

#define vsw_call_error(call, ret, text)					\
	({ NL_SET_ERR_MSG(&(call)->extack, text); (ret); })

struct vsw_port *vsw_call_port(struct vsw_call *call, u32 id);

/* The calls, by the file that has them. */
int vsw_call_get_info(struct vsw_call *call);
int vsw_call_create(struct vsw_call *call);
int vsw_call_get(struct vsw_call *call);
int vsw_call_set(struct vsw_call *call);
int vsw_call_delete(struct vsw_call *call);
int vsw_call_list(struct vsw_call *call);
int vsw_call_list_ports(struct vsw_call *call);
int vsw_call_events(struct vsw_call *call);

int vsw_call_add_port(struct vsw_call *call);
int vsw_call_get_port(struct vsw_call *call);
int vsw_call_set_port(struct vsw_call *call);
int vsw_call_del_port(struct vsw_call *call);
int vsw_call_add_queue(struct vsw_call *call);
int vsw_call_get_stats(struct vsw_call *call);

int vsw_call_fdb_add(struct vsw_call *call);
int vsw_call_fdb_del(struct vsw_call *call);
int vsw_call_fdb_dump(struct vsw_call *call);
int vsw_call_fdb_flush(struct vsw_call *call);
int vsw_call_list_groups(struct vsw_call *call);

int vsw_call_set_vlan(struct vsw_call *call);
int vsw_call_get_vlan(struct vsw_call *call);
int vsw_call_set_rate(struct vsw_call *call);
int vsw_call_get_rate(struct vsw_call *call);
int vsw_call_set_mirror(struct vsw_call *call);
int vsw_call_get_mirror(struct vsw_call *call);
int vsw_call_announce(struct vsw_call *call);
int vsw_call_set_policy(struct vsw_call *call);
int vsw_call_get_policy(struct vsw_call *call);

int vsw_dev_init(void);
void vsw_dev_exit(void);

#endif /* VSWITCH_DEV_H */
