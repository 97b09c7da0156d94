// SPDX-License-Identifier: GPL-2.0
/*
 * Calls on a queue: those of <linux/if_tun.h> that a VMM makes on a tap device
 * that was given to it, with their published meaning, and the two that move
 * many frames.
 */

#include <linux/compat.h>
#include <linux/fs.h>
#include <linux/if_tun.h>
#include <linux/rtnetlink.h>
#include <linux/uaccess.h>
#include <linux/uio.h>

#include "compat.h"
#include "queue.h"
#include "switch.h"

#define VSW_BATCH_MAX 1024
#define VSW_TUN_FEATURES (IFF_TAP | IFF_NO_PI | IFF_ONE_QUEUE | IFF_VNET_HDR | IFF_MULTI_QUEUE)

/* @len: of a struct ifreq, which for a 32-bit caller ends sooner. */
static int vsw_tun_get_ifreq(struct vsw_queue *q, void __user *arg, size_t len)
{
	struct ifreq ifr = {};

	rtnl_lock();
	strscpy(ifr.ifr_name, q->port->label, IFNAMSIZ);
	ifr.ifr_flags = q->flags;
	if (q->port->queues_open > 1)
		ifr.ifr_flags |= IFF_MULTI_QUEUE;
	if (!q->attached)
		ifr.ifr_flags |= IFF_DETACH_QUEUE;
	rtnl_unlock();
	return copy_to_user(arg, &ifr, len) ? -EFAULT : 0;
}

static int vsw_tun_set_offload(struct vsw_queue *q, unsigned long offload)
{
	netdev_features_t features = 0;

	if (offload & TUN_F_CSUM) {
		features |= NETIF_F_HW_CSUM;
		if (offload & TUN_F_TSO4)
			features |= NETIF_F_TSO;
		if (offload & TUN_F_TSO6)
			features |= NETIF_F_TSO6;
		/* ECN and fragmented UDP need nothing: both can be taken as they come. */
		if (offload & TUN_F_USO4 && offload & TUN_F_USO6 && compat_virtio_has_uso()) {
			features |= NETIF_F_GSO_UDP_L4;
			offload &= ~(TUN_F_USO4 | TUN_F_USO6);
		}
		offload &= ~(TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN | TUN_F_UFO);
	}
	if (offload & ~TUN_F_CSUM)
		return -EINVAL;
	WRITE_ONCE(q->features, features);
	return 0;
}

static int vsw_tun_set_queue(struct vsw_queue *q, const void __user *arg, size_t len)
{
	struct ifreq ifr = {};
	int ret = -EINVAL;

	if (copy_from_user(&ifr, arg, len))
		return -EFAULT;
	rtnl_lock();
	if (ifr.ifr_flags & IFF_ATTACH_QUEUE)
		ret = vsw_queue_set_attached(q, true);
	else if (ifr.ifr_flags & IFF_DETACH_QUEUE)
		ret = vsw_queue_set_attached(q, false);
	rtnl_unlock();
	return ret;
}

static int vsw_tun_set_hdr_len(struct vsw_queue *q, const int __user *arg)
{
	int len;

	if (get_user(len, arg))
		return -EFAULT;
	if (len < VSW_VNET_HDR_MIN || len > VSW_VNET_HDR_MAX)
		return -EINVAL;
	WRITE_ONCE(q->hdr_len, len);
	return 0;
}

static int vsw_tun_set_sndbuf(struct vsw_queue *q, const int __user *arg)
{
	int value;

	if (get_user(value, arg))
		return -EFAULT;
	if (value <= 0)
		return -EINVAL;
	WRITE_ONCE(q->sndbuf, value);
	return 0;
}

/* Headers are little-endian, as virtio 1 and every guest of x86 want them. */
static int vsw_tun_set_endian(const int __user *arg, bool little)
{
	int value;

	if (get_user(value, arg))
		return -EFAULT;
	return little || !value ? 0 : -EINVAL;
}

static long vsw_tun_ioctl(struct vsw_queue *q, unsigned int cmd, unsigned long arg,
			  size_t ifreq_len)
{
	void __user *p = (void __user *)arg;

	switch (cmd) {
	case TUNGETIFF:
		return vsw_tun_get_ifreq(q, p, ifreq_len);
	case TUNGETFEATURES:
		return put_user((unsigned int)VSW_TUN_FEATURES, (unsigned int __user *)p);
	case TUNSETOFFLOAD:
		return vsw_tun_set_offload(q, arg);
	case TUNGETVNETHDRSZ:
		return put_user((int)READ_ONCE(q->hdr_len), (int __user *)p);
	case TUNSETVNETHDRSZ:
		return vsw_tun_set_hdr_len(q, p);
	case TUNGETSNDBUF:
		return put_user(READ_ONCE(q->sndbuf), (int __user *)p);
	case TUNSETSNDBUF:
		return vsw_tun_set_sndbuf(q, p);
	case TUNSETQUEUE:
		return vsw_tun_set_queue(q, p, ifreq_len);
	case TUNGETVNETLE:
		return put_user(1, (int __user *)p);
	case TUNSETVNETLE:
		return vsw_tun_set_endian(p, true);
	case TUNGETVNETBE:
		return put_user(0, (int __user *)p);
	case TUNSETVNETBE:
		return vsw_tun_set_endian(p, false);
	case TUNSETIFF:
		/* As on a tap device that has its interface already. */
		return -EINVAL;
	}
	return -ENOTTY;
}

/* ----------------------------------------------------------------- batches */

/* Return: what becomes the frame's result. */
static int vsw_batch_send_one(struct vsw_queue *q, const struct vswitch_frame *frame, bool wait)
{
	void __user *from = u64_to_user_ptr(frame->addr);
	struct iov_iter iter;

	if (!access_ok(from, frame->len))
		return -EFAULT;
	iov_iter_ubuf(&iter, ITER_SOURCE, from, frame->len);
	return min_t(ssize_t, vsw_queue_send(q, &iter, wait), 0);
}

static int vsw_batch_recv_one(struct vsw_queue *q, const struct vswitch_frame *frame, bool wait,
			      int *result)
{
	void __user *to = u64_to_user_ptr(frame->addr);
	struct iov_iter iter;
	struct sk_buff *skb;
	ssize_t ret = -EFAULT;
	int err;

	skb = vsw_queue_next(q, wait, &err);
	if (!skb)
		return err;
	if (access_ok(to, frame->len)) {
		iov_iter_ubuf(&iter, ITER_DEST, to, frame->len);
		ret = vsw_queue_recv(q, skb, &iter);
	}
	if (ret < 0)
		kfree_skb(skb);
	else
		consume_skb(skb);
	*result = ret;
	return 0;
}

static int vsw_batch_run(struct vsw_queue *q, struct vswitch_batch *batch, bool send, bool wait)
{
	struct vswitch_frame __user *frames = u64_to_user_ptr(batch->ptr);
	struct vswitch_frame frame;
	int ret, result;
	u32 i;

	for (i = 0; i < batch->count; i++) {
		if (copy_from_user(&frame, &frames[i], sizeof(frame))) {
			ret = -EFAULT;
			break;
		}
		ret = 0;
		if (send) {
			result = vsw_batch_send_one(q, &frame, wait);
			if (result == -EBADFD || fatal_signal_pending(current))
				ret = result == -EBADFD ? -EBADFD : -EINTR;
		} else {
			ret = vsw_batch_recv_one(q, &frame, wait && !i, &result);
		}
		if (ret)
			break;
		if (put_user(result, &frames[i].result)) {
			ret = -EFAULT;
			break;
		}
		cond_resched();
	}
	batch->done = i;
	return i ? 0 : ret;
}

static int vsw_batch(struct vsw_queue *q, unsigned int cmd, void __user *arg, bool wait)
{
	struct vswitch_batch batch;
	u32 size;
	int ret;

	if (get_user(size, (u32 __user *)arg))
		return -EFAULT;
	if (size < sizeof(batch))
		return -EINVAL;
	if (size > PAGE_SIZE)
		return -E2BIG;
	ret = copy_struct_from_user(&batch, sizeof(batch), arg, size);
	if (ret)
		return ret;
	if (batch.head.size != size || batch.head.flags || batch.head.ifindex ||
	    batch.head.msg_ptr || batch.head.msg_len ||
	    !batch.count || batch.count > VSW_BATCH_MAX)
		return -EINVAL;
	ret = vsw_batch_run(q, &batch, cmd == VSWITCH_QUEUE_SEND, wait);
	if (ret)
		return ret;
	return copy_to_user(arg, &batch, sizeof(batch)) ? -EFAULT : 0;
}

static long vsw_queue_call(struct file *file, unsigned int cmd, unsigned long arg,
			   size_t ifreq_len)
{
	struct vsw_queue *q = file->private_data;

	if (cmd == VSWITCH_QUEUE_SEND || cmd == VSWITCH_QUEUE_RECV)
		return vsw_batch(q, cmd, (void __user *)arg, !(file->f_flags & O_NONBLOCK));
	return vsw_tun_ioctl(q, cmd, arg, ifreq_len);
}

long vsw_queue_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	return vsw_queue_call(file, cmd, arg, sizeof(struct ifreq));
}

#ifdef CONFIG_COMPAT
/* Of what is published for tap devices one struct has another size there. */
long vsw_queue_compat_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	if (cmd != TUNSETOFFLOAD)
		arg = (unsigned long)compat_ptr(arg);
	return vsw_queue_call(file, cmd, arg, sizeof(struct compat_ifreq));
}
#endif
