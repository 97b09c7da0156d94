// SPDX-License-Identifier: GPL-2.0
/* Module init and exit, in order. */

#include <linux/module.h>
#include <net/rtnetlink.h>

#include "dev.h"
#include "switch.h"
#include "uplink.h"
#include "vnic.h"

static int __init vsw_init(void)
{
	int ret;

	ret = vsw_net_init();
	if (ret)
		return ret;
	ret = vsw_uplink_init();
	if (ret)
		goto err_net;
	ret = rtnl_link_register(&vsw_switch_link_ops);
	if (ret)
		goto err_uplink;
	ret = rtnl_link_register(&vsw_vnic_link_ops);
	if (ret)
		goto err_switch;
	ret = vsw_dev_init();
	if (ret)
		goto err_vnic;
	return 0;

err_vnic:
	rtnl_link_unregister(&vsw_vnic_link_ops);
err_switch:
	rtnl_link_unregister(&vsw_switch_link_ops);
err_uplink:
	vsw_uplink_exit();
err_net:
	vsw_net_exit();
	return ret;
}

static void __exit vsw_exit(void)
{
	/* Each switch holds the module, so none is left. */
	vsw_dev_exit();
	rtnl_link_unregister(&vsw_vnic_link_ops);
	rtnl_link_unregister(&vsw_switch_link_ops);
	vsw_uplink_exit();
	vsw_net_exit();
	/* Ports and queues are freed by functions of ours. */
	rcu_barrier();
	/* A queue freed by the first has let go of its port only then. */
	rcu_barrier();
}

module_init(vsw_init);
module_exit(vsw_exit);

MODULE_DESCRIPTION("virtlite switch: vNICs, uplinks and queues for virtual machines");
MODULE_LICENSE("GPL");
MODULE_ALIAS_RTNL_LINK("vswitch");
MODULE_ALIAS_RTNL_LINK("vswitch_vnic");
