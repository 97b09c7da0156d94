// SPDX-License-Identifier: GPL-2.0
/* What ethtool says about netdevs of ours: the port's counters, by name. */

#include <linux/ethtool.h>

#include "names.h"
#include "nic.h"
#include "port.h"
#include "switch.h"

const char *const vsw_stat_names[VSWITCH_NR_STATS] = {
	[VSWITCH_STAT_IN_FRAMES] = "in_frames",
	[VSWITCH_STAT_IN_BYTES] = "in_bytes",
	[VSWITCH_STAT_IN_MCAST] = "in_multicast",
	[VSWITCH_STAT_OUT_FRAMES] = "out_frames",
	[VSWITCH_STAT_OUT_BYTES] = "out_bytes",
	[VSWITCH_STAT_FLOODED] = "flooded",
	[VSWITCH_STAT_LEARNED] = "learned",
	[VSWITCH_STAT_MOVED] = "moved",
	[VSWITCH_STAT_FDB_FULL] = "fdb_full",
	[VSWITCH_STAT_MIRRORED] = "mirrored",
#define VSW_DROP_NAME(name, text) \
	[VSWITCH_DROP_##name] = "drop_" text,
	VSWITCH_DROP_REASONS(VSW_DROP_NAME)
};

static void vsw_get_drvinfo(struct net_device *dev, struct ethtool_drvinfo *info)
{
	strscpy(info->driver, "vswitch", sizeof(info->driver));
	if (!vsw_dev_is_switch(dev))
		snprintf(info->bus_info, sizeof(info->bus_info), "port %u", vsw_nic_port(dev)->id);
}

static int vsw_get_sset_count(struct net_device *dev, int set)
{
	return set == ETH_SS_STATS ? VSWITCH_NR_STATS : -EOPNOTSUPP;
}

static void vsw_get_strings(struct net_device *dev, u32 set, u8 *to)
{
	int i;

	if (set != ETH_SS_STATS)
		return;
	for (i = 0; i < VSWITCH_NR_STATS; i++)
		strscpy(to + i * ETH_GSTRING_LEN, vsw_stat_names[i], ETH_GSTRING_LEN);
}

static void vsw_get_ethtool_stats(struct net_device *dev, struct ethtool_stats *stats, u64 *to)
{
	vsw_port_sum(vsw_nic_port(dev), to);
}

/* One NAPI on each CPU takes what comes; sending needs no queue at all. */
static void vsw_get_channels(struct net_device *dev, struct ethtool_channels *channels)
{
	channels->max_combined = num_possible_cpus();
	channels->combined_count = num_possible_cpus();
}

const struct ethtool_ops vsw_ethtool_ops = {
	.get_drvinfo = vsw_get_drvinfo,
	.get_link = ethtool_op_get_link,
	.get_sset_count = vsw_get_sset_count,
	.get_strings = vsw_get_strings,
	.get_ethtool_stats = vsw_get_ethtool_stats,
	.get_channels = vsw_get_channels,
	.get_ts_info = ethtool_op_get_ts_info,
};
