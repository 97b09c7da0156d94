// SPDX-License-Identifier: GPL-2.0
/*
 * vgpu_guest: inside a guest, the driver of a slice to compute on. Finding the device
 * and letting it go.
 *
 * It goes while programs use it when its driver is unbound or the slot is emptied.
 * Then, in this order: nobody begins anything new (@gone), the device is stopped and may
 * not reach memory, the interrupt is off, mappings are taken away, waiters told, memory
 * given back. The files stay, with nothing behind them.
 */

#include <linux/dma-mapping.h>
#include <linux/idr.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/slab.h>

#include "answer.h"
#include "guest.h"

static DEFINE_IDA(numbers);

static void release(struct kref *ref)
{
	struct vgg_device *dev = container_of(ref, struct vgg_device, ref);

	mutex_destroy(&dev->lock);
	kfree(dev);
}

/**
 * vgg_put() - give a reference back
 * @dev: device
 */
void vgg_put(struct vgg_device *dev)
{
	kref_put(&dev->ref, release);
}

static struct vgg_device *new_device(struct pci_dev *pci)
{
	struct vgg_device *dev = kzalloc(sizeof(*dev), GFP_KERNEL);
	u32 i;

	if (!dev)
		return NULL;
	kref_init(&dev->ref);
	mutex_init(&dev->lock);
	INIT_LIST_HEAD(&dev->files);
	INIT_LIST_HEAD(&dev->used);
	dev->pci = pci;
	for (i = 0; i < VGPU_MAX_QUEUES; i++)
		vgg_queue_init(&dev->queue[i], dev, i);
	return dev;
}

/* What it is, or says that it is. */
static int ask(struct vgg_device *dev)
{
	struct vgg_answers a = {
		.bar_vram = pci_resource_len(dev->pci, VGPU_BAR_VRAM),
		.bar_regs = pci_resource_len(dev->pci, VGPU_BAR_REGS),
	};
	const char *wrong;

	if (a.bar_regs >= VGPU_BAR_REGS_SIZE) {
		a.id = vgg_read(dev, VGPU_REG_ID);
		a.version = vgg_read(dev, VGPU_REG_VERSION);
		a.queues = vgg_read(dev, VGPU_REG_QUEUES);
		a.vram = vgg_read(dev, VGPU_REG_VRAM_LO);
		a.vram |= (u64)vgg_read(dev, VGPU_REG_VRAM_HI) << 32;
		dev->features = vgg_read(dev, VGPU_REG_FEATURES);
	}
	wrong = vgg_answers_wrong(&a);
	if (wrong) {
		dev_err(&dev->pci->dev, "not a slice that this driver knows: %s\n", wrong);
		return -ENODEV;
	}
	dev->version = a.version;
	dev->nr_queues = a.queues;
	dev->vram_bytes = a.vram;
	dev->vram_phys = pci_resource_start(dev->pci, VGPU_BAR_VRAM);
	return 0;
}

static int set_up(struct vgg_device *dev)
{
	struct pci_dev *pci = dev->pci;
	int ret;

	dev->regs = pci_iomap(pci, VGPU_BAR_REGS, 0);
	if (!dev->regs)
		return -ENOMEM;
	ret = ask(dev);
	if (ret)
		goto err_regs;
	dev->vram = pci_iomap_wc(pci, VGPU_BAR_VRAM, 0);
	if (!dev->vram) {
		ret = -ENOMEM;
		goto err_regs;
	}
	/* Bit 63 of an address says that it is one of VRAM. */
	ret = dma_set_mask_and_coherent(&pci->dev, DMA_BIT_MASK(63));
	if (ret)
		goto err_vram;
	return 0;

err_vram:
	pci_iounmap(pci, dev->vram);
err_regs:
	pci_iounmap(pci, dev->regs);
	return ret;
}

static void tear_down(struct vgg_device *dev)
{
	pci_iounmap(dev->pci, dev->vram);
	pci_iounmap(dev->pci, dev->regs);
}

static int connect(struct vgg_device *dev)
{
	struct pci_dev *pci = dev->pci;
	int ret;

	ret = pci_alloc_irq_vectors(pci, 1, 1, PCI_IRQ_ALL_TYPES);
	if (ret < 0)
		return ret;
	pci_set_master(pci);
	/* Whatever had it before has left it in some state. */
	vgg_write(dev, VGPU_REG_CONTROL, VGPU_CONTROL_RESET);
	ret = request_irq(pci_irq_vector(pci, 0), vgg_interrupt, IRQF_SHARED, "vgpu_guest", dev);
	if (ret) {
		pci_clear_master(pci);
		pci_free_irq_vectors(pci);
		return ret;
	}
	vgg_write(dev, VGPU_REG_INTR_ENABLE, VGPU_INTR_ALL);
	return 0;
}

/* The device is quiet from here, and cannot reach memory. */
static void disconnect(struct vgg_device *dev)
{
	struct pci_dev *pci = dev->pci;

	vgg_write(dev, VGPU_REG_INTR_ENABLE, 0);
	vgg_write(dev, VGPU_REG_CONTROL, VGPU_CONTROL_RESET);
	pci_clear_master(pci);
	free_irq(pci_irq_vector(pci, 0), dev);
	pci_free_irq_vectors(pci);
}

static int add_node(struct vgg_device *dev)
{
	int ret = ida_alloc(&numbers, GFP_KERNEL);

	if (ret < 0)
		return ret;
	dev->nr = ret;
	snprintf(dev->name, sizeof(dev->name), "vgpu_guest%d", dev->nr);
	dev->misc = (struct miscdevice){
		.minor = MISC_DYNAMIC_MINOR, .name = dev->name, .fops = &vgg_fops,
		.parent = &dev->pci->dev,
	};
	ret = misc_register(&dev->misc);
	if (ret)
		ida_free(&numbers, dev->nr);
	return ret;
}

static int probe(struct pci_dev *pci, const struct pci_device_id *id)
{
	struct vgg_device *dev = new_device(pci);
	int ret;

	if (!dev)
		return -ENOMEM;
	ret = pci_enable_device_mem(pci);
	if (ret)
		goto err_put;
	ret = pci_request_regions(pci, "vgpu_guest");
	if (ret)
		goto err_disable;
	ret = set_up(dev);
	if (ret)
		goto err_regions;
	ret = connect(dev);
	if (ret)
		goto err_set_up;
	pci_set_drvdata(pci, dev);
	ret = add_node(dev);
	if (ret)
		goto err_connect;
	dev_info(&pci->dev, "%s: %u queues, %llu MiB of VRAM\n", dev->name, dev->nr_queues,
		 dev->vram_bytes >> 20);
	return 0;

err_connect:
	disconnect(dev);
err_set_up:
	tear_down(dev);
err_regions:
	pci_release_regions(pci);
err_disable:
	pci_disable_device(pci);
err_put:
	vgg_put(dev);
	return ret;
}

/*
 * Who asks the device anything holds dev->lock, or is the interrupt, which is over before
 * the registers go.
 */
static void set_gone(struct vgg_device *dev)
{
	mutex_lock(&dev->lock);
	WRITE_ONCE(dev->gone, true);
	mutex_unlock(&dev->lock);
}

static void remove(struct pci_dev *pci)
{
	struct vgg_device *dev = pci_get_drvdata(pci);
	struct vgg_file *f;
	u32 i;

	misc_deregister(&dev->misc);
	set_gone(dev);
	disconnect(dev);
	mutex_lock(&dev->lock);
	list_for_each_entry(f, &dev->files, node)
		unmap_mapping_range(f->mapping, 0, 0, 1);
	for (i = 0; i < dev->nr_queues; i++)
		vgg_queue_gone(&dev->queue[i]);
	list_for_each_entry(f, &dev->files, node)
		vgg_give_back(f);
	mutex_unlock(&dev->lock);
	ida_free(&numbers, dev->nr);
	tear_down(dev);
	pci_release_regions(pci);
	pci_disable_device(pci);
	vgg_put(dev);
}

static const struct pci_device_id ids[] = {
	{ PCI_DEVICE(VGPU_PCI_VENDOR, VGPU_PCI_DEVICE_COMPUTE) },
	{ }
};
MODULE_DEVICE_TABLE(pci, ids);

static struct pci_driver guest_driver = {
	.name = "vgpu_guest",
	.id_table = ids,
	.probe = probe,
	.remove = remove,
};
module_pci_driver(guest_driver);

MODULE_DESCRIPTION("Driver of a sliced GPU's slice, for the guest");
MODULE_LICENSE("GPL");
