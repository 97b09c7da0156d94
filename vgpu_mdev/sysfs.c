// SPDX-License-Identifier: GPL-2.0
/*
 * /sys/bus/mdev/devices/UUID/vgpu/: what VGPU_SLICE_SET can change, one file each,
 * by the same function under the same lock.
 */

#include <linux/device.h>
#include <linux/kstrtox.h>
#include <linux/sysfs.h>

#include "gpu.h"
#include "slice.h"

static int change(struct device *dev, struct vgpu_slice_set *set)
{
	struct vg_slice *s = dev_get_drvdata(dev);
	struct vg_msg msg;
	int ret;

	mutex_lock(&s->gpu->lock);
	ret = vg_slice_set(s, set, &msg);
	mutex_unlock(&s->gpu->lock);
	return ret;
}

#define NUMBER(name, flag)						\
static ssize_t name##_show(struct device *dev, struct device_attribute *a, char *buf)	\
{									\
	struct vg_slice *s = dev_get_drvdata(dev);			\
									\
	return sysfs_emit(buf, "%llu\n", (u64)READ_ONCE(s->set.name));	\
}									\
									\
static ssize_t name##_store(struct device *dev, struct device_attribute *a,	\
			    const char *buf, size_t len)		\
{									\
	struct vgpu_slice_set set = { .flags = (flag) };		\
	u64 value;							\
	int ret;							\
									\
	ret = kstrtou64(buf, 0, &value);				\
	if (ret)							\
		return ret;						\
	set.name = value;						\
	if (set.name != value)						\
		return -ERANGE;						\
	ret = change(dev, &set);					\
	return ret ?: len;						\
}									\
static DEVICE_ATTR_RW(name)

NUMBER(weight, VGPU_SLICE_WEIGHT);
NUMBER(share, VGPU_SLICE_SHARE);
NUMBER(priority, VGPU_SLICE_PRIORITY);
NUMBER(doorbell_limit, VGPU_SLICE_DOORBELL_LIMIT);
NUMBER(irq_limit, VGPU_SLICE_IRQ_LIMIT);
NUMBER(fault_limit, VGPU_SLICE_FAULT_LIMIT);
NUMBER(carveout, VGPU_SLICE_CARVEOUT);

static const char * const personalities[] = {
	[VGPU_PERSONALITY_COMPUTE] = "compute",
	[VGPU_PERSONALITY_DISPLAY] = "display",
};

static const char * const displays[] = {
	[VGPU_DISPLAY_REGION] = "region",
	[VGPU_DISPLAY_DMABUF] = "dmabuf",
};

#define WORD(name, words, flag)						\
static ssize_t name##_show(struct device *dev, struct device_attribute *a, char *buf)	\
{									\
	struct vg_slice *s = dev_get_drvdata(dev);			\
									\
	return sysfs_emit(buf, "%s\n", (words)[READ_ONCE(s->set.name)]);	\
}									\
									\
static ssize_t name##_store(struct device *dev, struct device_attribute *a,	\
			    const char *buf, size_t len)		\
{									\
	struct vgpu_slice_set set = { .flags = (flag) };		\
	int i = sysfs_match_string(words, buf), ret;			\
									\
	if (i < 0)							\
		return i;						\
	set.name = i;							\
	ret = change(dev, &set);					\
	return ret ?: len;						\
}									\
static DEVICE_ATTR_RW(name)

WORD(personality, personalities, VGPU_SLICE_PERSONALITY);
WORD(display, displays, VGPU_SLICE_DISPLAY);

static ssize_t mode_show(struct device *dev, struct device_attribute *a, char *buf)
{
	struct vg_slice *s = dev_get_drvdata(dev);

	return sysfs_emit(buf, "%ux%u\n", READ_ONCE(s->set.width), READ_ONCE(s->set.height));
}

static ssize_t mode_store(struct device *dev, struct device_attribute *a, const char *buf,
			  size_t len)
{
	struct vgpu_slice_set set = { .flags = VGPU_SLICE_MODE };
	char end;
	int ret;

	if (sscanf(buf, "%ux%u%c", &set.width, &set.height, &end) != 2 &&
	    (sscanf(buf, "%ux%u%c", &set.width, &set.height, &end) != 3 || end != '\n'))
		return -EINVAL;
	ret = change(dev, &set);
	return ret ?: len;
}
static DEVICE_ATTR_RW(mode);

#define FIXED(name, fmt, value)						\
static ssize_t name##_show(struct device *dev, struct device_attribute *a, char *buf)	\
{									\
	struct vg_slice *s = dev_get_drvdata(dev);			\
									\
	return sysfs_emit(buf, fmt "\n", value);			\
}									\
static DEVICE_ATTR_RO(name)

FIXED(gpu, "%d", s->gpu->id);
FIXED(slice, "%d", s->nr);
FIXED(seq, "%llu", s->seq);
FIXED(vram, "%llu", s->vram_bytes);

/* As in fdinfo: one number a line, ns and counts. */
static ssize_t stats_show(struct device *dev, struct device_attribute *a, char *buf)
{
	struct vg_slice *s = dev_get_drvdata(dev);
	struct vgpu_stats st = { .engine = -1 };

	mutex_lock(&s->gpu->lock);
	vg_slice_stats(s, &st);
	mutex_unlock(&s->gpu->lock);
	return sysfs_emit(buf,
			  "busy: %llu\nunits: %llu\nwait: %llu\ncommands: %llu\nturns: %llu\n"
			  "preemptions: %llu\noverruns: %llu\nrevoked: %llu\nfaults: %llu\n"
			  "hangs: %llu\ndebt: %lld\nresets: %llu\ndoorbells: %llu\nirqs: %llu\n",
			  st.busy, st.units, st.wait, st.commands, st.turns, st.preemptions,
			  st.overruns, st.revoked, st.faults, st.hangs, st.debt, st.resets,
			  st.doorbells, st.irqs);
}
static DEVICE_ATTR_RO(stats);

static struct attribute *attributes[] = {
	&dev_attr_weight.attr,
	&dev_attr_share.attr,
	&dev_attr_priority.attr,
	&dev_attr_doorbell_limit.attr,
	&dev_attr_irq_limit.attr,
	&dev_attr_fault_limit.attr,
	&dev_attr_carveout.attr,
	&dev_attr_personality.attr,
	&dev_attr_display.attr,
	&dev_attr_mode.attr,
	&dev_attr_gpu.attr,
	&dev_attr_slice.attr,
	&dev_attr_seq.attr,
	&dev_attr_vram.attr,
	&dev_attr_stats.attr,
	NULL
};

static const struct attribute_group group = {
	.name = "vgpu",
	.attrs = attributes,
};

const struct attribute_group *vg_slice_groups[] = { &group, NULL };
