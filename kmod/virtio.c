// SPDX-License-Identifier: GPL-2.0
/*
 * The front door for the hypervisor: a virtio device, as docs/virtio-fsfreeze.md
 * has it, with two queues.
 *
 *   commands  buffers for the device to write; it uses one when it has a command
 *   messages  buffers for the device to read: replies, and events, in order
 *
 * Two, and not one for both, so that each is used in order: a back end that was
 * killed finds its place again by the used ring alone. All calls to the queues
 * and to the engine come from one work item.
 */
#include "virtio.h"

#if IS_REACHABLE(CONFIG_VIRTIO)

#include <linux/module.h>
#include <linux/pci.h>
#include <linux/scatterlist.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/virtio.h>
#include <linux/virtio_config.h>
#include <linux/virtio_pci.h>
#include <linux/workqueue.h>

#include "session.h"

enum { QUEUE_COMMANDS, QUEUE_MESSAGES, NR_QUEUES };

/* Room for one more command while one is looked at. */
#define NR_COMMANDS	2
/* The last one is for events. */
#define NR_MESSAGES	4
#define EVENT		(NR_MESSAGES - 1)

static unsigned int device_id = VIRTIO_ID_FSFREEZE_DEFAULT;
module_param(device_id, uint, 0444);
MODULE_PARM_DESC(device_id, "virtio device ID of the host's device, 0 for none (38)");

/**
 * struct message - on its way to the device, or free
 * @bytes: FSFREEZE_MSG_MAX of them
 * @busy: the device has it
 */
struct message {
	u8 *bytes;
	bool busy;
};

/**
 * struct door - one device
 * @owner: of the freezes it asks for
 * @vdev: the device
 * @queues: its queues
 * @work: does everything
 * @features: what was negotiated
 * @stopped: no more work is to be queued
 * @changed: an event is due
 * @failed: the device says it needs a reset
 * @command: where a command is copied to, so that the device cannot change it
 *	while it is looked at
 * @commands: what the device writes to
 * @messages: what it reads
 */
struct door {
	struct fsfreeze_owner owner;
	struct virtio_device *vdev;
	struct virtqueue *queues[NR_QUEUES];
	struct work_struct work;
	u32 features;
	bool stopped;
	bool changed;
	bool failed;
	u8 *command;
	u8 *commands[NR_COMMANDS];
	struct message messages[NR_MESSAGES];
};

static struct workqueue_struct *door_queue;

static void door_wake(struct door *door)
{
	if (!READ_ONCE(door->stopped))
		queue_work(door_queue, &door->work);
}

/* From any thread of the engine, under its spinlock. */
static void door_changed(struct fsfreeze_owner *owner)
{
	struct door *door = container_of(owner, struct door, owner);

	WRITE_ONCE(door->changed, true);
	door_wake(door);
}

/* From the interrupt. */
static void door_used(struct virtqueue *vq)
{
	door_wake(vq->vdev->priv);
}

static void door_config_changed(struct virtio_device *vdev)
{
	door_wake(vdev->priv);
}

static void command_post(struct door *door, u8 *command)
{
	struct scatterlist in, *sgs[] = { &in };

	sg_init_one(&in, command, FSFREEZE_MSG_MAX);
	if (virtqueue_add_sgs(door->queues[QUEUE_COMMANDS], sgs, 0, 1, command, GFP_NOIO))
		dev_err_ratelimited(&door->vdev->dev, "the queue has no room for a command\n");
}

static void message_send(struct door *door, struct message *message, u32 length)
{
	struct scatterlist out, *sgs[] = { &out };

	sg_init_one(&out, message->bytes, length);
	message->busy = !virtqueue_add_sgs(door->queues[QUEUE_MESSAGES], sgs, 1, 0, message,
					   GFP_NOIO);
	if (!message->busy)
		dev_err_ratelimited(&door->vdev->dev, "the queue has no room for a message\n");
}

/* For a reply: NULL as long as the device does not read those it has. */
static struct message *message_free(struct door *door)
{
	unsigned int i;

	for (i = 0; i < EVENT; i++)
		if (!door->messages[i].busy)
			return &door->messages[i];
	return NULL;
}

/* A device may return a buffer unused: with no bytes, which is no command. */
static void command_used(struct door *door, u8 *command, unsigned int length,
			 struct message *reply)
{
	u32 reply_length = 0;

	if (length && length <= FSFREEZE_MSG_MAX) {
		memcpy(door->command, command, length);
		reply_length = fsfreeze_session_answer(&door->owner, door->features,
						       door->command, length, reply->bytes);
	}
	command_post(door, command);
	if (reply_length)
		message_send(door, reply, reply_length);
	else if (length)
		dev_warn_ratelimited(&door->vdev->dev, "%u bytes that are no command\n", length);
}

static void door_take_messages(struct door *door)
{
	struct message *message;
	unsigned int length;

	while ((message = virtqueue_get_buf(door->queues[QUEUE_MESSAGES], &length)))
		message->busy = false;
}

static void door_take_commands(struct door *door)
{
	struct message *reply;
	unsigned int length;
	u8 *command;

	while (!READ_ONCE(door->stopped) && (reply = message_free(door))) {
		command = virtqueue_get_buf(door->queues[QUEUE_COMMANDS], &length);
		if (!command)
			break;
		command_used(door, command, length, reply);
		cond_resched();
	}
}

static void door_say_changes(struct door *door)
{
	struct message *event = &door->messages[EVENT];

	if (event->busy || !READ_ONCE(door->changed))
		return;
	WRITE_ONCE(door->changed, false);
	smp_mb(); /* cleared before the state is read */
	message_send(door, event, fsfreeze_session_event(&door->owner, event->bytes));
}

/* A device that says it is broken will never say thaw. */
static void door_look_after_device(struct door *door)
{
	u8 status = door->vdev->config->get_status(door->vdev);

	if (!(status & VIRTIO_CONFIG_S_NEEDS_RESET) || door->failed)
		return;
	door->failed = true;
	dev_err(&door->vdev->dev, "the device needs a reset\n");
	fsfreeze_engine_thaw(&door->owner, FSFREEZE_REASON_HOST);
}

/* Whether something was used since the queues were looked at; else it will be heard. */
static bool door_more(struct door *door)
{
	bool more = !virtqueue_enable_cb(door->queues[QUEUE_MESSAGES]);

	if (!virtqueue_enable_cb(door->queues[QUEUE_COMMANDS]))
		more = more || message_free(door);
	return more && !READ_ONCE(door->stopped);
}

static void door_work(struct work_struct *work)
{
	struct door *door = container_of(work, struct door, work);
	unsigned int i;

	if (READ_ONCE(door->stopped))
		return;
	do {
		for (i = 0; i < NR_QUEUES; i++)
			virtqueue_disable_cb(door->queues[i]);
		door_take_messages(door);
		door_take_commands(door);
		door_say_changes(door);
		for (i = 0; i < NR_QUEUES; i++)
			virtqueue_kick(door->queues[i]);
	} while (door_more(door));
	door_look_after_device(door);
}

static int door_find_queues(struct door *door)
{
	struct virtqueue_info infos[NR_QUEUES] = {
		[QUEUE_COMMANDS] = { .name = "commands", .callback = door_used },
		[QUEUE_MESSAGES] = { .name = "messages", .callback = door_used },
	};
	int error = virtio_find_vqs(door->vdev, NR_QUEUES, door->queues, infos, NULL);

	if (error)
		return error;
	if (virtqueue_get_vring_size(door->queues[QUEUE_COMMANDS]) < NR_COMMANDS ||
	    virtqueue_get_vring_size(door->queues[QUEUE_MESSAGES]) < NR_MESSAGES) {
		dev_err(&door->vdev->dev, "the queues are too short\n");
		door->vdev->config->del_vqs(door->vdev);
		return -ENODEV;
	}
	return 0;
}

/* The device gets room for commands, and hears how things are. */
static int door_open(struct door *door)
{
	unsigned int i;
	int error = door_find_queues(door);

	if (error)
		return error;
	for (i = 0; i < NR_MESSAGES; i++)
		door->messages[i].busy = false;
	door->failed = false;
	door->changed = true;
	for (i = 0; i < NR_COMMANDS; i++)
		command_post(door, door->commands[i]);
	virtio_device_ready(door->vdev);
	WRITE_ONCE(door->stopped, false);
	door_wake(door);
	return 0;
}

/* Nothing of the device is running afterwards; what it had frozen thaws. */
static void door_close(struct door *door)
{
	WRITE_ONCE(door->stopped, true);
	virtio_reset_device(door->vdev);
	cancel_work_sync(&door->work);
	fsfreeze_engine_release(&door->owner, FSFREEZE_REASON_HOST);
	door->vdev->config->del_vqs(door->vdev);
	/* Whoever saw stopped unset and was slow. Now neither engine nor interrupt knows us. */
	cancel_work_sync(&door->work);
}

static void door_free(struct door *door)
{
	unsigned int i;

	for (i = 0; i < NR_COMMANDS; i++)
		kfree(door->commands[i]);
	for (i = 0; i < NR_MESSAGES; i++)
		kfree(door->messages[i].bytes);
	kfree(door->command);
	kfree(door);
}

static bool door_allocate(struct door *door)
{
	unsigned int i;
	bool complete;

	door->command = kzalloc(FSFREEZE_MSG_MAX, GFP_KERNEL);
	complete = door->command;
	for (i = 0; i < NR_COMMANDS; i++) {
		door->commands[i] = kzalloc(FSFREEZE_MSG_MAX, GFP_KERNEL);
		complete = complete && door->commands[i];
	}
	for (i = 0; i < NR_MESSAGES; i++) {
		door->messages[i].bytes = kzalloc(FSFREEZE_MSG_MAX, GFP_KERNEL);
		complete = complete && door->messages[i].bytes;
	}
	return complete;
}

static struct door *door_new(struct virtio_device *vdev)
{
	struct door *door = kzalloc(sizeof(*door), GFP_KERNEL);

	if (!door)
		return NULL;
	door->owner.name = "the host";
	door->owner.changed = door_changed;
	door->vdev = vdev;
	door->stopped = true;
	INIT_WORK(&door->work, door_work);
	if (!door_allocate(door)) {
		door_free(door);
		return NULL;
	}
	return door;
}

#ifdef CONFIG_PCI
static u32 pci_config_length(struct pci_dev *pci)
{
	int at = pci_find_capability(pci, PCI_CAP_ID_VNDR);
	u32 length = 0;
	u8 type = 0;

	while (at) {
		pci_read_config_byte(pci, at + offsetof(struct virtio_pci_cap, cfg_type), &type);
		if (type == VIRTIO_PCI_CAP_DEVICE_CFG) {
			pci_read_config_dword(pci, at + offsetof(struct virtio_pci_cap, length),
					      &length);
			break;
		}
		at = pci_find_next_capability(pci, at, PCI_CAP_ID_VNDR);
	}
	return length;
}
#endif

/* The PCI transport stops the kernel when more is read than the device has. */
static bool has_config(struct virtio_device *vdev)
{
	if (!vdev->config->get)
		return false;
#ifdef CONFIG_PCI
	if (dev_is_pci(vdev->dev.parent))
		return pci_config_length(to_pci_dev(vdev->dev.parent)) >=
		       sizeof(struct virtio_fsfreeze_config);
#endif
	return true;
}

/* The ID alone says nothing, as none is assigned. */
static int door_check_device(struct virtio_device *vdev)
{
	struct virtio_fsfreeze_config config = {};

	if (!virtio_has_feature(vdev, VIRTIO_F_VERSION_1))
		return -ENODEV;
	if (has_config(vdev))
		virtio_cread_bytes(vdev, 0, &config, sizeof(config));
	if (config.magic != cpu_to_le32(FSFREEZE_WIRE_MAGIC)) {
		dev_info(&vdev->dev, "has the ID and not the magic: another kind of device\n");
		return -ENODEV;
	}
	if (config.version != cpu_to_le32(FSFREEZE_WIRE_VERSION)) {
		dev_err(&vdev->dev, "version %u of the messages is not known\n",
			le32_to_cpu(config.version));
		return -ENODEV;
	}
	return 0;
}

static unsigned int features[] = {
	VIRTIO_FSFREEZE_F_HOOKS,
	VIRTIO_FSFREEZE_F_EXTEND,
	VIRTIO_FSFREEZE_F_REPORT,
	VIRTIO_FSFREEZE_F_LIST,
	VIRTIO_FSFREEZE_F_STATISTICS,
};

static u32 negotiated(struct virtio_device *vdev)
{
	u32 bits = 0;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(features); i++)
		if (virtio_has_feature(vdev, features[i]))
			bits |= BIT(features[i]);
	return bits;
}

static int virtio_door_probe(struct virtio_device *vdev)
{
	struct door *door;
	int error;

	error = door_check_device(vdev);
	if (error)
		return error;
	door = door_new(vdev);
	if (!door)
		return -ENOMEM;
	door->features = negotiated(vdev);
	vdev->priv = door;
	error = door_open(door);
	if (error)
		door_free(door);
	return error;
}

static void virtio_door_remove(struct virtio_device *vdev)
{
	struct door *door = vdev->priv;

	door_close(door);
	door_free(door);
}

#ifdef CONFIG_PM_SLEEP
static int virtio_door_freeze(struct virtio_device *vdev)
{
	door_close(vdev->priv);
	return 0;
}

static int virtio_door_restore(struct virtio_device *vdev)
{
	return door_open(vdev->priv);
}
#endif

/* The first one is device_id's. */
static struct virtio_device_id id_table[] = {
	{ VIRTIO_ID_FSFREEZE_DEFAULT, VIRTIO_DEV_ANY_ID },
	{ 0 },
};
MODULE_DEVICE_TABLE(virtio, id_table);

static struct virtio_driver door_driver = {
	.driver.name = KBUILD_MODNAME,
	.feature_table = features,
	.feature_table_size = ARRAY_SIZE(features),
	.id_table = id_table,
	.probe = virtio_door_probe,
	.remove = virtio_door_remove,
	.config_changed = door_config_changed,
#ifdef CONFIG_PM_SLEEP
	.freeze = virtio_door_freeze,
	.restore = virtio_door_restore,
#endif
};

int fsfreeze_virtio_register(void)
{
	int error;

	BUILD_BUG_ON(sizeof(struct fsfreeze_msg) != 16);
	BUILD_BUG_ON(sizeof(struct fsfreeze_msg_status) != 120);
	BUILD_BUG_ON(sizeof(struct fsfreeze_msg_entry) != 104);
	if (!device_id)
		return 0;
	id_table[0].device = device_id;
	/* What is frozen must not be in the way of the thaw. */
	door_queue = alloc_workqueue("fsfreeze", WQ_MEM_RECLAIM | WQ_UNBOUND, 0);
	if (!door_queue)
		return -ENOMEM;
	error = register_virtio_driver(&door_driver);
	if (error)
		destroy_workqueue(door_queue);
	return error;
}

void fsfreeze_virtio_unregister(void)
{
	if (!device_id)
		return;
	unregister_virtio_driver(&door_driver);
	destroy_workqueue(door_queue);
}

#endif
