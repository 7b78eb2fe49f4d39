// SPDX-License-Identifier: GPL-2.0
/*
 * The front door for hosts without the device: the same messages on a tty that every
 * hypervisor can give a guest and migrate, a virtio console or a serial port. The tty
 * is named by a parameter or by the hypervisor, opened by the kernel alone, and its
 * bytes come to a line discipline of ours, so that nothing is echoed, edited or turned
 * into signals.
 *
 * Nobody tells when the host's side comes or goes. So a half command that is not
 * complete in time is dropped, what is no message is skipped up to the next magic, and
 * a reply that the host does not take in time is dropped as well.
 *
 * Two work items: one opens and closes the tty, which waits for much of the rest of
 * the kernel; the other does all that a thaw needs, and waits for nothing.
 */
#include "channel.h"

#include <linux/err.h>
#include <linux/module.h>
#include <linux/tty.h>
#include <linux/tty_ldisc.h>
#include <linux/workqueue.h>

#include "session.h"
#include "smbios.h"

/* How the hypervisor says which tty is the channel. */
#define CHANNEL_OEM_STRING	"org.guest-tools.fsfreeze.channel="
#define CHANNEL_NONE		"none"

static char *channel_name = "";
module_param_named(channel, channel_name, charp, 0444);
MODULE_PARM_DESC(channel, "tty of the host's channel, as hvc1 or ttyS1, or none; "
		 "empty: the one that the host names");

#if IS_ENABLED(CONFIG_TTY) && defined(HAVE_TTY_KOPEN)

/* How long a command, or a reply, may take from its first byte to its last. */
#define PATIENCE	HZ
/* Between two tries to open the tty, at first and at most. */
#define RETRY_MIN	HZ
#define RETRY_MAX	(8 * HZ)
/* Between two looks whether there is room for more of a reply, which drivers tell late. */
#define POLL		msecs_to_jiffies(20)

#define ALL_FEATURES	(BIT(VIRTIO_FSFREEZE_F_HOOKS) | BIT(VIRTIO_FSFREEZE_F_EXTEND) | \
			 BIT(VIRTIO_FSFREEZE_F_REPORT) | BIT(VIRTIO_FSFREEZE_F_LIST) | \
			 BIT(VIRTIO_FSFREEZE_F_STATISTICS))

/**
 * struct channel - the one there is
 * @owner: of the freezes
 * @name: of the tty
 * @port_work: opens and closes the tty
 * @work: reads, answers, writes
 * @tty: what @port_work opened, or NULL
 * @open: @work may use @tty
 * @retry: until the next try to open it
 * @lock: of the four that follow, which the line discipline shares
 * @in: bytes of the host, not yet looked at
 * @in_length: how many
 * @in_since: when the first of them came, in jiffies
 * @gone: the tty was hung up
 * @changed: an event is due
 * @stopped: the module is going
 * @command: one command, out of @in
 * @out: a reply or event on its way
 * @out_length: its length, 0 when there is none
 * @out_sent: of these, with the driver of the tty
 * @out_since: when it was begun
 * @last_error: of opening the tty, said once
 */
struct channel {
	struct fsfreeze_owner owner;
	const char *name;
	struct delayed_work port_work;
	struct delayed_work work;
	struct tty_struct *tty;
	bool open;
	unsigned long retry;
	spinlock_t lock;
	u8 in[2 * FSFREEZE_MSG_MAX];
	u32 in_length;
	unsigned long in_since;
	bool gone;
	bool changed;
	bool stopped;
	u8 command[FSFREEZE_MSG_MAX];
	u8 out[FSFREEZE_MSG_MAX];
	u32 out_length, out_sent;
	unsigned long out_since;
	int last_error;
};

static struct channel *channel;
/* For all of a thaw, and for what waits for much else. */
static struct workqueue_struct *channel_queue, *port_queue;

static void channel_wake(void)
{
	if (!READ_ONCE(channel->stopped))
		mod_delayed_work(channel_queue, &channel->work, 0);
}

/* From any thread of the engine, under its spinlock. */
static void channel_changed(struct fsfreeze_owner *owner)
{
	WRITE_ONCE(channel->changed, true);
	channel_wake();
}

/* --- the line discipline ------------------------------------------------ */

/* Any user may ask for a line discipline by number; this one is only for our tty. */
static int ldisc_open(struct tty_struct *tty)
{
	if (tty != READ_ONCE(channel->tty))
		return -EPERM;
	tty->receive_room = sizeof(channel->in);
	return 0;
}

/* Hung up, or closed by ourselves. */
static void ldisc_close(struct tty_struct *tty)
{
	WRITE_ONCE(channel->gone, true);
	channel_wake();
	if (!READ_ONCE(channel->stopped))
		mod_delayed_work(port_queue, &channel->port_work, 0);
}

static void channel_receive(const u8 *bytes, size_t count)
{
	unsigned long flags;
	size_t room;

	spin_lock_irqsave(&channel->lock, flags);
	room = sizeof(channel->in) - channel->in_length;
	if (!channel->in_length)
		channel->in_since = jiffies;
	/* No host sends so much before it has read a reply. */
	count = min(count, room);
	memcpy(channel->in + channel->in_length, bytes, count);
	channel->in_length += count;
	spin_unlock_irqrestore(&channel->lock, flags);
	channel_wake();
}

static void ldisc_receive(struct tty_struct *tty, const COMPAT_LDISC_BYTE *bytes,
			  COMPAT_LDISC_FLAGS *flags, COMPAT_LDISC_COUNT count)
{
	if (count > 0)
		channel_receive(bytes, count);
}

static void ldisc_write_wakeup(struct tty_struct *tty)
{
	channel_wake();
}

static struct tty_ldisc_ops ldisc = {
	/* Without an owner: while we hold the tty, the module could not be removed. */
	.name = "fsfreeze",
#ifdef HAVE_LDISC_NUM
	.num = N_DEVELOPMENT,
#endif
	.open = ldisc_open,
	.close = ldisc_close,
	.receive_buf = ldisc_receive,
	.write_wakeup = ldisc_write_wakeup,
};

/* --- opening and closing ------------------------------------------------ */

static void tty_detach(struct tty_struct *tty)
{
	tty_lock(tty);
	if (!test_bit(TTY_HUPPED, &tty->flags) && tty->ops->close)
		tty->ops->close(tty, NULL);
	tty_unlock(tty);
	tty_kclose(tty);
	WRITE_ONCE(channel->tty, NULL);
}

static int tty_attach(struct tty_struct *tty)
{
	int error = tty->ops->open ? tty->ops->open(tty, NULL) : -ENODEV;

	if (!error)
		clear_bit(TTY_HUPPED, &tty->flags);
	tty_unlock(tty);
	WRITE_ONCE(channel->gone, false);
	WRITE_ONCE(channel->tty, tty);
	if (!error)
		error = tty_set_ldisc(tty, N_DEVELOPMENT);
	if (error)
		tty_detach(tty);
	return error;
}

static int channel_open(void)
{
	struct tty_struct *tty;
	dev_t dev;
	int error = tty_dev_name_to_number(channel->name, &dev);

	if (error)
		return error;
	tty = tty_kopen_exclusive(dev);
	if (IS_ERR_OR_NULL(tty))
		return tty ? PTR_ERR(tty) : -ENODEV;
	channel->in_length = 0;
	channel->out_length = 0;
	return tty_attach(tty);
}

/* The tty may come later: a port that is plugged in, a driver that is loaded. */
static void channel_try_open(void)
{
	int error = channel_open();

	if (!error)
		pr_info("%s is the host's channel\n", channel->name);
	else if (error != channel->last_error)
		pr_info("cannot use %s as the host's channel yet: error %d\n", channel->name, error);
	channel->last_error = error;
	channel->retry = error ? min_t(unsigned long, 2 * channel->retry, RETRY_MAX) : RETRY_MIN;
	if (error)
		return;
	WRITE_ONCE(channel->changed, true);
	WRITE_ONCE(channel->open, true);
	channel_wake();
}

/* What the host had frozen thaws: it could not say so any more. */
static void channel_close(void)
{
	WRITE_ONCE(channel->open, false);
	cancel_delayed_work_sync(&channel->work);
	fsfreeze_engine_release(&channel->owner, FSFREEZE_REASON_HOST);
	tty_detach(channel->tty);
}

static void channel_port_work(struct work_struct *work)
{
	if (READ_ONCE(channel->stopped) || (channel->tty && !READ_ONCE(channel->gone)))
		return;
	if (channel->tty) {
		pr_info("%s is gone\n", channel->name);
		channel_close();
	} else {
		channel_try_open();
	}
	/* Not at once: a driver needs a moment to forget what is gone. */
	if (!channel->tty && !READ_ONCE(channel->stopped))
		mod_delayed_work(port_queue, &channel->port_work, channel->retry);
}

/* --- messages ----------------------------------------------------------- */

/* Whether all of what is on its way is with the driver of the tty, or given up. */
static bool channel_send(void)
{
	struct tty_struct *tty = channel->tty;
	int n;

	while (channel->out_length > channel->out_sent) {
		set_bit(TTY_DO_WRITE_WAKEUP, &tty->flags);
		n = tty->ops->write(tty, channel->out + channel->out_sent,
				    channel->out_length - channel->out_sent);
		if (n <= 0)
			break;
		channel->out_sent += n;
	}
	if (channel->out_length == channel->out_sent ||
	    time_after(jiffies, channel->out_since + PATIENCE))
		channel->out_length = channel->out_sent = 0;
	return !channel->out_length;
}

static void channel_queue_message(u32 length)
{
	channel->out_length = length;
	channel->out_sent = 0;
	channel->out_since = jiffies;
}

/* Up to where a message can begin. */
static u32 garbage(const u8 *bytes, u32 length)
{
	static const u8 magic[] = { 'F', 'S', 'F', 'Z' };
	u32 at;

	for (at = 0; at < length; at++)
		if (!memcmp(bytes + at, magic, min_t(u32, length - at, sizeof(magic))))
			break;
	return at;
}

/* Length of the message that the bytes begin with, 0 when it is not complete, 1 when it is none. */
static u32 framed(const u8 *bytes, u32 length)
{
	const struct fsfreeze_msg *header = (const void *)bytes;
	u32 all;

	if (length < sizeof(*header))
		return 0;
	all = le32_to_cpu(header->length);
	if (all < sizeof(*header) || all > FSFREEZE_MSG_MAX)
		return 1;
	return all <= length ? all : 0;
}

static void drop_in(u32 length)
{
	channel->in_length -= length;
	memmove(channel->in, channel->in + length, channel->in_length);
	channel->in_since = jiffies;
}

/* Length of the next command, 0 when there is none. Whether some of one is there is told, too. */
static u32 channel_next(bool *half)
{
	unsigned long flags;
	u32 length, skip;

	spin_lock_irqsave(&channel->lock, flags);
	do {
		skip = garbage(channel->in, channel->in_length);
		if (skip)
			drop_in(skip);
		length = framed(channel->in, channel->in_length);
		skip = length == 1 || (!length && channel->in_length &&
				       time_after(jiffies, channel->in_since + PATIENCE));
		if (skip)
			drop_in(1);
	} while (skip);
	if (length) {
		memcpy(channel->command, channel->in, length);
		drop_in(length);
	}
	*half = channel->in_length;
	spin_unlock_irqrestore(&channel->lock, flags);
	return length;
}

/* Whether there is something to send. */
static bool channel_next_message(bool *half)
{
	u32 length;

	while ((length = channel_next(half))) {
		length = fsfreeze_session_answer(&channel->owner, ALL_FEATURES, channel->command,
						 length, channel->out);
		if (length)
			break;
	}
	if (!length && READ_ONCE(channel->changed)) {
		WRITE_ONCE(channel->changed, false);
		smp_mb(); /* cleared before the state is read */
		length = fsfreeze_session_event(&channel->owner, channel->out);
	}
	channel_queue_message(length);
	return length;
}

static void channel_work(struct work_struct *work)
{
	bool half = false, sent;

	if (!READ_ONCE(channel->open) || READ_ONCE(channel->stopped))
		return;
	if (READ_ONCE(channel->gone)) {
		fsfreeze_engine_thaw(&channel->owner, FSFREEZE_REASON_HOST);
		return;
	}
	do {
		sent = channel_send();
		cond_resched();
	} while (sent && channel_next_message(&half));
	if (!sent)
		queue_delayed_work(channel_queue, &channel->work, POLL);
	else if (half)
		queue_delayed_work(channel_queue, &channel->work, PATIENCE + 1);
}

static void channel_free(void)
{
	if (channel_queue)
		destroy_workqueue(channel_queue);
	if (port_queue)
		destroy_workqueue(port_queue);
	kfree(channel);
	channel = NULL;
}

/* What the guest's owner says is what counts. Empty when there is no channel. */
static const char *channel_named(void)
{
	const char *name = *channel_name ? channel_name : fsfreeze_smbios_string(CHANNEL_OEM_STRING);

	return name && strcmp(name, CHANNEL_NONE) ? name : "";
}

static struct channel *channel_new(const char *name)
{
	struct channel *new = kzalloc(sizeof(*new), GFP_KERNEL);

	if (!new)
		return NULL;
	new->owner.name = "the host";
	new->owner.changed = channel_changed;
	new->name = name;
	new->retry = RETRY_MIN;
	spin_lock_init(&new->lock);
	INIT_DELAYED_WORK(&new->port_work, channel_port_work);
	INIT_DELAYED_WORK(&new->work, channel_work);
	return new;
}

int fsfreeze_channel_register(void)
{
	const char *name = channel_named();
	int error = -ENOMEM;

	if (!*name)
		return 0;
	channel = channel_new(name);
	/* What is frozen must not be in the way of the thaw. */
	channel_queue = alloc_workqueue("fsfreeze-channel", WQ_MEM_RECLAIM | WQ_UNBOUND, 1);
	port_queue = alloc_workqueue("fsfreeze-port", WQ_UNBOUND, 1);
	if (channel && channel_queue && port_queue)
		error = compat_register_ldisc(&ldisc);
	if (error) {
		channel_free();
		return error;
	}
	mod_delayed_work(port_queue, &channel->port_work, 0);
	return 0;
}

void fsfreeze_channel_unregister(void)
{
	if (!channel)
		return;
	WRITE_ONCE(channel->stopped, true);
	cancel_delayed_work_sync(&channel->port_work);
	if (channel->tty)
		channel_close();
	/* Whoever saw stopped unset and was slow. */
	cancel_delayed_work_sync(&channel->port_work);
	cancel_delayed_work_sync(&channel->work);
	compat_unregister_ldisc(&ldisc);
	channel_free();
}

#else

int fsfreeze_channel_register(void)
{
	if (*channel_name)
		pr_warn("this kernel lets no driver open a tty: no channel on %s\n", channel_name);
	return 0;
}

void fsfreeze_channel_unregister(void)
{
}

#endif
