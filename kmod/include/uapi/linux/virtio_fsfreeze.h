/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * What the virtio_fsfreeze module shares with others: with programs in the guest
 * the calls on /dev/fsfreeze, and with the host the messages of the virtio-fsfreeze
 * device, at the end of this file.
 *
 * A freeze belongs to the open file it was asked through. Closing that file,
 * also by being killed, thaws. So does the deadline, which the kernel arms
 * before the first file system is frozen. One freeze exists at a time.
 *
 * FREEZE and THAW only start the work; poll(2) reports POLLIN when the state
 * changed since the last STATUS, and STATUS tells it. Every structure starts
 * with its size as the caller knows it; the kernel reads and writes no more
 * than that, and refuses one shorter than the first version below.
 */
#ifndef _UAPI_LINUX_VIRTIO_FSFREEZE_H
#define _UAPI_LINUX_VIRTIO_FSFREEZE_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define FSFREEZE_DEVICE		"/dev/fsfreeze"
#define FSFREEZE_API_VERSION	1

enum fsfreeze_state {
	FSFREEZE_THAWED		= 0,
	FSFREEZE_FREEZING	= 1,
	FSFREEZE_FROZEN		= 2,
	FSFREEZE_THAWING	= 3,
};

/* Why the freeze last asked for through this file is over. */
enum fsfreeze_thaw_reason {
	FSFREEZE_REASON_NONE		= 0,	/* not over, or never asked for */
	FSFREEZE_REASON_REQUEST		= 1,	/* THAW */
	FSFREEZE_REASON_CLOSE		= 2,	/* the file was closed */
	FSFREEZE_REASON_DEADLINE	= 3,	/* the time was up */
	FSFREEZE_REASON_ERROR		= 4,	/* a file system did not freeze */
	FSFREEZE_REASON_SUSPEND		= 5,	/* the guest goes to sleep */
	FSFREEZE_REASON_REBOOT		= 6,	/* the guest reboots or halts */
	FSFREEZE_REASON_HOST		= 7,	/* the host side went away or was reset */
	FSFREEZE_REASON_LOST		= 8,	/* somebody else thawed what we had frozen */
};

struct fsfreeze_info {
	__u32 size;
	__u32 api_version;		/* FSFREEZE_API_VERSION */
	__u32 default_timeout_ms;	/* deadline when FREEZE names none */
	__u32 max_timeout_ms;		/* longer ones are refused with EINVAL */
	__u32 holder_kernel;		/* 1: held as kernel, FITHAW cannot thaw it */
	__u32 reserved;
	char module_version[32];
};

struct fsfreeze_freeze {
	__u32 size;
	__u32 flags;			/* none yet: 0 */
	__u32 timeout_ms;		/* deadline from now, 0 for the default */
	__u32 nr_fds;			/* 0: every file system */
	__u64 fds;			/* __s32[nr_fds], a file or directory on each file system */
};

struct fsfreeze_status {
	__u32 size;
	__u32 state;			/* enum fsfreeze_state */
	__u32 reason;			/* enum fsfreeze_thaw_reason */
	__s32 error;			/* 0 or the negative errno of the freeze or the thaw */
	__u32 nr_total;			/* file systems of this freeze */
	__u32 nr_frozen;		/* of these, frozen right now */
	__u32 remaining_ms;		/* to the deadline; 0 when none is armed */
	__u32 nr_was_frozen;		/* how many the whole freeze held, kept after the thaw */
	__u64 flush_us;			/* time of the flush before the first freeze */
	__u64 freeze_us;		/* from the first freeze to the last one done */
	__u64 thaw_us;			/* from the start of the thaw to its end */
	char failed[64];		/* "type s_id" of the file system error is about, or "" */
};

/* What became of one file system. */
enum fsfreeze_entry_state {
	FSFREEZE_ENTRY_IDLE	= 0,	/* not frozen by us (yet) */
	FSFREEZE_ENTRY_FROZEN	= 1,
	FSFREEZE_ENTRY_THAWED	= 2,
	FSFREEZE_ENTRY_FAILED	= 3,	/* error says why */
	FSFREEZE_ENTRY_HELD	= 4,	/* was frozen by somebody else: left alone */
};

struct fsfreeze_entry {
	__u32 dev_major;		/* s_dev of the superblock */
	__u32 dev_minor;
	__u32 state;			/* enum fsfreeze_entry_state */
	__s32 error;			/* negative errno */
	__u32 rank;			/* 0 is frozen first and thawed last */
	__u32 reserved;
	__u64 flush_us;
	__u64 freeze_us;
	__u64 thaw_us;
	char type[16];			/* file system type */
	char id[40];			/* s_id: mostly the block device's name */
};

struct fsfreeze_report {
	__u32 size;
	__u32 entry_size;		/* sizeof(struct fsfreeze_entry) as the caller knows it */
	__u32 nr_entries;		/* in: room in entries; out: how many there are in all */
	__u32 reserved;
	__u64 entries;			/* struct fsfreeze_entry[nr_entries] */
};

/* Through which door a freeze was asked for. */
enum fsfreeze_asker {
	FSFREEZE_ASKER_NONE	= 0,	/* there was no freeze yet */
	FSFREEZE_ASKER_HOST	= 1,	/* the hypervisor, of the kernel */
	FSFREEZE_ASKER_FILE	= 2,	/* a program in the guest, mostly its agent */
};

/* Of all freezes since the module was loaded, whoever asked for them. */
struct fsfreeze_statistics {
	__u32 size;
	__u32 asker;			/* enum fsfreeze_asker, of the last freeze */
	__u32 thaw_reason;		/* enum fsfreeze_thaw_reason, of the last thaw */
	__s32 thaw_error;		/* and its error */
	__u64 nr_begun;
	__u64 nr_frozen;		/* of these, how many came to be FROZEN */
	__u64 nr_thawed[16];		/* of these, how many ended for each reason */
	__u64 longest_flush_us;
	__u64 longest_freeze_us;
	__u64 longest_thaw_us;
	char asked_by[16];		/* the last: name of the program, or of the door */
};

#define FSFREEZE_IOC_MAGIC	0xfe
/* What this module can do. */
#define FSFREEZE_IOC_INFO	_IOWR(FSFREEZE_IOC_MAGIC, 1, struct fsfreeze_info)
/* Start a freeze. EBUSY: one exists. EINVAL: bad size, flags, time-out or list. */
#define FSFREEZE_IOC_FREEZE	_IOW(FSFREEZE_IOC_MAGIC, 2, struct fsfreeze_freeze)
/* Start the thaw, or cancel a freeze still going on. ENOENT: this file holds none. */
#define FSFREEZE_IOC_THAW	_IO(FSFREEZE_IOC_MAGIC, 3)
/* Move the deadline to this many ms from now. ENOENT as above. */
#define FSFREEZE_IOC_EXTEND	_IOW(FSFREEZE_IOC_MAGIC, 4, __u32)
/* State of the freeze last asked for through this file. Clears POLLIN. */
#define FSFREEZE_IOC_STATUS	_IOWR(FSFREEZE_IOC_MAGIC, 5, struct fsfreeze_status)
/* Per file system results of that freeze. */
#define FSFREEZE_IOC_REPORT	_IOWR(FSFREEZE_IOC_MAGIC, 6, struct fsfreeze_report)
/* What has happened so far. */
#define FSFREEZE_IOC_STATISTICS	_IOWR(FSFREEZE_IOC_MAGIC, 7, struct fsfreeze_statistics)

/*
 * Messages between the hypervisor and the guest's kernel. docs/virtio-fsfreeze.md
 * is their specification. All numbers are little-endian. A message says its own
 * length, so that any stream of bytes carries it as well as a virtqueue does.
 */
#define FSFREEZE_WIRE_MAGIC	0x5a465346	/* the bytes "FSFZ" */
#define FSFREEZE_WIRE_VERSION	1
#define FSFREEZE_MSG_MAX	4096		/* no message is longer, with its header */

#define VIRTIO_ID_FSFREEZE_DEFAULT	38	/* none is assigned: the magic decides */

/* Feature bits of the device. */
#define VIRTIO_FSFREEZE_F_HOOKS		0	/* hooks run around a freeze */
#define VIRTIO_FSFREEZE_F_EXTEND	1	/* the deadline can be moved */
#define VIRTIO_FSFREEZE_F_REPORT	2	/* results and times per file system */
#define VIRTIO_FSFREEZE_F_LIST		3	/* some file systems can be frozen alone */
#define VIRTIO_FSFREEZE_F_STATISTICS	4	/* counts and times of all freezes, who asked */

struct virtio_fsfreeze_config {
	__le32 magic;			/* FSFREEZE_WIRE_MAGIC */
	__le32 version;			/* FSFREEZE_WIRE_VERSION */
};

/* Commands go to the guest; a reply has the type of its command with REPLY added. */
enum fsfreeze_msg_type {
	FSFREEZE_MSG_INFO	= 1,
	FSFREEZE_MSG_FREEZE	= 2,
	FSFREEZE_MSG_THAW	= 3,
	FSFREEZE_MSG_EXTEND	= 4,
	FSFREEZE_MSG_STATUS	= 5,
	FSFREEZE_MSG_REPORT	= 6,
	FSFREEZE_MSG_STATISTICS	= 7,
	FSFREEZE_MSG_EVENT	= 0x4000,	/* from the guest, unasked: the status changed */
	FSFREEZE_MSG_REPLY	= 0x8000,
};

/* Of a reply; 0 in every other message. */
enum fsfreeze_msg_result {
	FSFREEZE_RESULT_OK		= 0,
	FSFREEZE_RESULT_INVALID		= 1,	/* lengths or values that are not allowed */
	FSFREEZE_RESULT_UNSUPPORTED	= 2,	/* type or flag not known, or not negotiated */
	FSFREEZE_RESULT_BUSY		= 3,	/* a freeze exists, of this or another owner */
	FSFREEZE_RESULT_NOT_FROZEN	= 4,	/* there is no freeze to thaw or extend */
	FSFREEZE_RESULT_UNAVAILABLE	= 5,	/* the guest goes to sleep or down */
	FSFREEZE_RESULT_FAILED		= 6,	/* out of memory, or alike */
	FSFREEZE_RESULT_NO_DRIVER	= 7,	/* from a back end: nobody in the guest listens */
};

struct fsfreeze_msg {
	__le32 magic;			/* FSFREEZE_WIRE_MAGIC */
	__le32 length;			/* of all of the message, this header included */
	__le16 type;
	__le16 result;
	__le32 sequence;		/* of a command, and of the reply to it */
};

/* FREEZE. Its reply, and those of THAW and EXTEND, are the header alone. */
struct fsfreeze_msg_freeze {
	__le32 flags;			/* FSFREEZE_FREEZE_... */
	__le32 timeout_ms;		/* from the first freeze on; 0: the guest's default */
	__le32 hook_timeout_ms;		/* for all hooks together; 0: the guest's default */
	__le32 reserved;		/* 0 */
};

#define FSFREEZE_FREEZE_HOOKS	1	/* run the hooks; needs the feature */
#define FSFREEZE_FREEZE_LIST	2	/* only the file systems named after it; needs the feature */

/*
 * With LIST one or more of these follow: a file system's id, as in the report, or its
 * device number as "major:minor". Bytes after the text are 0.
 */
struct fsfreeze_msg_name {
	char name[40];
};

struct fsfreeze_msg_extend {
	__le32 timeout_ms;		/* the new deadline, from now; not 0 */
};

/* The reply to INFO. */
struct fsfreeze_msg_info {
	__le32 version;			/* FSFREEZE_WIRE_VERSION */
	__le32 features;		/* as negotiated */
	__le32 default_timeout_ms;
	__le32 max_timeout_ms;
	__le32 holder_kernel;		/* 1: nobody else in the guest can thaw it */
	__le32 reserved;
	char module_version[32];
	char kernel_release[64];
};

/* The reply to STATUS, and an EVENT: as struct fsfreeze_status. */
struct fsfreeze_msg_status {
	__le32 state;
	__le32 reason;
	__le32 error;			/* negative errno, in two's complement */
	__le32 nr_total;
	__le32 nr_frozen;
	__le32 remaining_ms;
	__le32 nr_was_frozen;
	__le32 reserved;
	__le64 flush_us;
	__le64 freeze_us;
	__le64 thaw_us;
	char failed[64];
};

/* REPORT; the reply begins with how many there are and how many follow. */
struct fsfreeze_msg_report {
	__le32 first;			/* index of the first entry wanted */
	__le32 nr;			/* how many are wanted at most */
};

struct fsfreeze_msg_entries {
	__le32 total;
	__le32 nr;			/* that many struct fsfreeze_msg_entry follow */
};

/* The reply to STATISTICS: as struct fsfreeze_statistics. */
struct fsfreeze_msg_statistics {
	__le32 asker;
	__le32 thaw_reason;
	__le32 thaw_error;		/* negative errno, in two's complement */
	__le32 reserved;
	__le64 nr_begun;
	__le64 nr_frozen;
	__le64 nr_thawed[16];
	__le64 longest_flush_us;
	__le64 longest_freeze_us;
	__le64 longest_thaw_us;
	char asked_by[16];
};

/* As struct fsfreeze_entry. */
struct fsfreeze_msg_entry {
	__le32 dev_major;
	__le32 dev_minor;
	__le32 state;
	__le32 error;
	__le32 rank;
	__le32 reserved;
	__le64 flush_us;
	__le64 freeze_us;
	__le64 thaw_us;
	char type[16];
	char id[40];
};

#endif
