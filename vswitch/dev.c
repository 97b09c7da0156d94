// SPDX-License-Identifier: GPL-2.0
/*
 * /dev/vswitch: from a system call to the function that carries it out, and
 * back. What the calls do is in call_*.c.
 */

#include <linux/capability.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/nsproxy.h>
#include <linux/rtnetlink.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <net/net_namespace.h>

#include <virtlite/vswitch.h>

#include "dev.h"
#include "switch.h"

#define VSW_CALL_PRIVILEGED BIT(0)
#define VSW_CALL_SWITCH BIT(1)	/* names a switch */

/**
 * struct vsw_call_type - a call
 * @cmd: its number
 * @how: VSW_CALL_*
 * @min: size of its argument when it was published
 * @size: size now
 * @flags: those that it knows
 * @fn: carries it out
 */
struct vsw_call_type {
	unsigned int cmd;
	u32 how;
	u32 min;
	u32 size;
	u32 flags;
	int (*fn)(struct vsw_call *call);
};

#define CALL(c, type, how, flags, fn) \
	{ c, how, sizeof(struct type), sizeof(struct type), flags, fn }
#define ADMIN (VSW_CALL_PRIVILEGED | VSW_CALL_SWITCH)
#define QUERY VSW_CALL_SWITCH

static const struct vsw_call_type vsw_calls[] = {
	CALL(VSWITCH_GET_INFO, vswitch_info, 0, 0, vsw_call_get_info),
	CALL(VSWITCH_CREATE, vswitch_switch, VSW_CALL_PRIVILEGED, VSWITCH_F_AUTODESTROY,
	     vsw_call_create),
	CALL(VSWITCH_GET, vswitch_switch, QUERY, 0, vsw_call_get),
	CALL(VSWITCH_SET, vswitch_switch, ADMIN, 0, vsw_call_set),
	CALL(VSWITCH_DELETE, vswitch_delete, ADMIN, 0, vsw_call_delete),
	CALL(VSWITCH_LIST, vswitch_list, 0, 0, vsw_call_list),
	CALL(VSWITCH_LIST_PORTS, vswitch_list, QUERY, 0, vsw_call_list_ports),
	CALL(VSWITCH_ADD_PORT, vswitch_port, ADMIN, 0, vsw_call_add_port),
	CALL(VSWITCH_GET_PORT, vswitch_port, QUERY, 0, vsw_call_get_port),
	CALL(VSWITCH_SET_PORT, vswitch_port, ADMIN, 0, vsw_call_set_port),
	CALL(VSWITCH_DEL_PORT, vswitch_port_id, ADMIN, 0, vsw_call_del_port),
	CALL(VSWITCH_ADD_QUEUE, vswitch_port_id, ADMIN, 0, vsw_call_add_queue),
	CALL(VSWITCH_GET_STATS, vswitch_stats, QUERY, 0, vsw_call_get_stats),
	CALL(VSWITCH_FDB_ADD, vswitch_fdb_change, ADMIN, VSWITCH_F_REPLACE, vsw_call_fdb_add),
	CALL(VSWITCH_FDB_DEL, vswitch_fdb_change, ADMIN, 0, vsw_call_fdb_del),
	CALL(VSWITCH_FDB_DUMP, vswitch_fdb_dump, ADMIN, 0, vsw_call_fdb_dump),
	CALL(VSWITCH_FDB_FLUSH, vswitch_fdb_flush, ADMIN, VSWITCH_F_FLUSH_STATIC,
	     vsw_call_fdb_flush),
	CALL(VSWITCH_SET_VLAN, vswitch_vlan, ADMIN, 0, vsw_call_set_vlan),
	CALL(VSWITCH_GET_VLAN, vswitch_vlan, QUERY, 0, vsw_call_get_vlan),
	CALL(VSWITCH_SET_RATE, vswitch_rate, ADMIN, 0, vsw_call_set_rate),
	CALL(VSWITCH_GET_RATE, vswitch_rate, QUERY, 0, vsw_call_get_rate),
	CALL(VSWITCH_SET_MIRROR, vswitch_mirror, ADMIN, 0, vsw_call_set_mirror),
	CALL(VSWITCH_GET_MIRROR, vswitch_mirror, QUERY, 0, vsw_call_get_mirror),
	CALL(VSWITCH_ANNOUNCE, vswitch_announce, ADMIN, VSWITCH_F_ACTIVATE, vsw_call_announce),
	CALL(VSWITCH_SET_POLICY, vswitch_policy, ADMIN, 0, vsw_call_set_policy),
	CALL(VSWITCH_GET_POLICY, vswitch_policy, QUERY, 0, vsw_call_get_policy),
	CALL(VSWITCH_LIST_GROUPS, vswitch_list, ADMIN, 0, vsw_call_list_groups),
	CALL(VSWITCH_EVENTS, vswitch_events, ADMIN, 0, vsw_call_events),
};

/* What has been published keeps its size. */
static_assert(sizeof(struct vswitch_head) == 24);
static_assert(sizeof(struct vswitch_info) == 56);
static_assert(sizeof(struct vswitch_switch) == 88);
static_assert(sizeof(struct vswitch_list) == 40);
static_assert(sizeof(struct vswitch_port) == 112);
static_assert(sizeof(struct vswitch_port_id) == 32);
static_assert(sizeof(struct vswitch_stats) == 40);
static_assert(sizeof(struct vswitch_fdb_entry) == 24);
static_assert(sizeof(struct vswitch_fdb_change) == 48);
static_assert(sizeof(struct vswitch_fdb_dump) == 48);
static_assert(sizeof(struct vswitch_fdb_flush) == 32);
static_assert(sizeof(struct vswitch_vlan) == 552);
static_assert(sizeof(struct vswitch_rate) == 112);
static_assert(sizeof(struct vswitch_mirror) == 48);
static_assert(sizeof(struct vswitch_announce) == 56);
static_assert(sizeof(struct vswitch_policy) == 32);
static_assert(sizeof(struct vswitch_group) == 32);
static_assert(sizeof(struct vswitch_event) == 32);
static_assert(sizeof(struct vswitch_events) == 32);
static_assert(sizeof(struct vswitch_frame) == 16);
static_assert(sizeof(struct vswitch_batch) == 40);

static const struct vsw_call_type *vsw_call_type(unsigned int cmd)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(vsw_calls); i++) {
		if (vsw_calls[i].cmd == cmd)
			return &vsw_calls[i];
	}
	return NULL;
}

/* The argument, copied once; or an error pointer. */
static void *vsw_call_copy_in(const struct vsw_call_type *type, void __user *from)
{
	struct vswitch_head *head;
	u32 size;
	int ret;

	if (get_user(size, (u32 __user *)from))
		return ERR_PTR(-EFAULT);
	if (size < type->min)
		return ERR_PTR(-EINVAL);
	if (size > PAGE_SIZE)
		return ERR_PTR(-E2BIG);
	head = kzalloc(type->size, GFP_KERNEL);
	if (!head)
		return ERR_PTR(-ENOMEM);
	ret = copy_struct_from_user(head, type->size, from, size);
	/* The one field that was read twice: what counts is what was checked. */
	head->size = size;
	if (!ret && (head->flags & ~type->flags ||
		     (!(type->how & VSW_CALL_SWITCH) && head->ifindex)))
		ret = -EINVAL;
	if (!ret)
		return head;
	kfree(head);
	return ERR_PTR(ret);
}

static void vsw_call_copy_message(const struct vswitch_head *head,
				  const struct netlink_ext_ack *extack)
{
	const char *text = extack->_msg ?: "";
	u32 len;

	if (!head->msg_ptr || !head->msg_len)
		return;
	len = min_t(u32, strlen(text), head->msg_len - 1);
	/* A message that cannot be delivered changes nothing about the error. */
	if (!copy_to_user(u64_to_user_ptr(head->msg_ptr), text, len))
		put_user('\0', (char __user *)u64_to_user_ptr(head->msg_ptr + len));
}

static int vsw_call_copy_out(const struct vsw_call *call, const struct vsw_call_type *type,
			     void __user *to)
{
	const struct vswitch_head *head = call->arg;

	if (call->out_len &&
	    copy_to_user(u64_to_user_ptr(call->out_ptr), call->out, call->out_len))
		return -EFAULT;
	if (copy_to_user(to, call->arg, min(head->size, type->size)))
		return -EFAULT;
	return 0;
}

/**
 * vsw_call_port() - the port that a call names
 * @call: the call
 * @id: its number
 *
 * Return: the port or NULL, and the message is set.
 */
struct vsw_port *vsw_call_port(struct vsw_call *call, u32 id)
{
	struct vsw_port *port = vsw_switch_port(call->sw, id);

	if (!port)
		NL_SET_ERR_MSG(&call->extack, "the switch has no port of that number");
	return port;
}

static int vsw_call_locked(struct vsw_call *call, const struct vsw_call_type *type)
{
	const struct vswitch_head *head = call->arg;

	if (type->how & VSW_CALL_PRIVILEGED &&
	    !ns_capable(call->file->net->user_ns, CAP_NET_ADMIN))
		return vsw_call_error(call, -EPERM, "CAP_NET_ADMIN is needed");
	if (type->how & VSW_CALL_SWITCH) {
		call->sw = vsw_switch_find(call->file->net, head->ifindex);
		if (!call->sw)
			return vsw_call_error(call, -ENODEV,
					      "no switch has that interface index here");
	}
	return type->fn(call);
}

static int vsw_call_run(struct vsw_call *call, const struct vsw_call_type *type)
{
	int ret;

	ret = rtnl_lock_killable();
	if (ret)
		return ret;
	ret = vsw_call_locked(call, type);
	rtnl_unlock();
	return ret;
}

/*
 * A new descriptor's number is reserved first and made visible last: until then
 * nobody has seen it, and dropping the file undoes what made it.
 */
static int vsw_call_finish(struct vsw_call *call, const struct vsw_call_type *type,
			   void __user *arg)
{
	int fd = -1, ret;

	if (call->new_file) {
		fd = get_unused_fd_flags(O_CLOEXEC);
		if (fd < 0) {
			fput(call->new_file);
			return fd;
		}
		*call->new_fd = fd;
	}
	ret = vsw_call_copy_out(call, type, arg);
	if (!call->new_file)
		return ret;
	if (ret) {
		put_unused_fd(fd);
		fput(call->new_file);
	} else {
		fd_install(fd, call->new_file);
	}
	return ret;
}

static long vsw_dev_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	const struct vsw_call_type *type = vsw_call_type(cmd);
	struct vsw_call call = { .file = file->private_data };
	int ret;

	if (!type)
		return -ENOTTY;
	call.arg = vsw_call_copy_in(type, (void __user *)arg);
	if (IS_ERR(call.arg))
		return PTR_ERR(call.arg);
	ret = vsw_call_run(&call, type);
	if (ret)
		vsw_call_copy_message(call.arg, &call.extack);
	else
		ret = vsw_call_finish(&call, type, (void __user *)arg);
	kvfree(call.out);
	kfree(call.arg);
	return ret;
}

static int vsw_dev_open(struct inode *inode, struct file *file)
{
	struct vsw_file *f = kzalloc(sizeof(*f), GFP_KERNEL_ACCOUNT);

	if (!f)
		return -ENOMEM;
	f->net = get_net(current->nsproxy->net_ns);
	INIT_LIST_HEAD(&f->owned);
	file->private_data = f;
	return 0;
}

static int vsw_dev_release(struct inode *inode, struct file *file)
{
	struct vsw_file *f = file->private_data;

	rtnl_lock();
	while (!list_empty(&f->owned))
		vsw_switch_delete(list_first_entry(&f->owned, struct vsw_switch, owned));
	rtnl_unlock();
	put_net(f->net);
	kfree(f);
	return 0;
}

static const struct file_operations vsw_dev_fops = {
	.owner = THIS_MODULE,
	.open = vsw_dev_open,
	.release = vsw_dev_release,
	.unlocked_ioctl = vsw_dev_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.llseek = noop_llseek,
};

static struct miscdevice vsw_dev = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "vswitch",
	.fops = &vsw_dev_fops,
	/* Each call asks for the privilege that it needs. */
	.mode = 0666,
};

int vsw_dev_init(void)
{
	return misc_register(&vsw_dev);
}

void vsw_dev_exit(void)
{
	misc_deregister(&vsw_dev);
}
