// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Runs in the guest: one scenario after another, each in a process of its own,
 * each with a time limit, each ending with "ok - TITLE", "skip - TITLE: WHY" or
 * "not ok - TITLE: WHY" on the console.
 */
#include "guest.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/reboot.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define LIMIT_S	40

static const char *title;

static bool write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool written = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

	if (fd >= 0)
		close(fd);
	return written;
}

/* What is blocked, and where, follows on the console. */
void fail(const char *format, ...)
{
	va_list list;

	printf("not ok - %s: ", title);
	va_start(list, format);
	vprintf(format, list);
	va_end(list);
	printf("\n");
	fflush(stdout);
	write_file("/proc/sysrq-trigger", "w");
	_exit(1);
}

void skip(const char *reason)
{
	printf("skip - %s: %s\n", title, reason);
	fflush(stdout);
	_exit(2);
}

void figure(const char *name, unsigned long value)
{
	printf("figure - %s: %lu\n", name, value);
}

/* Where the guest's disks are; the last ones in files of the first. */
static const char *const mounts[] = { "/mnt/ext4", "/mnt/xfs", "/mnt/btrfs",
				      "/mnt/vfat", "/mnt/loop", "/mnt/looploop" };

static void writers_start(struct writer *writers)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(mounts); i++)
		writers[i] = writer_start(mounts[i]);
}

static void writers_stop(struct writer *writers)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(mounts); i++)
		writer_stop(&writers[i]);
}

static void all_blocked(struct writer *writers)
{
	unsigned int i;

	pause_ms(50);
	for (i = 0; i < ARRAY_SIZE(mounts); i++)
		if (writer_moves(&writers[i], 60))
			fail("the writer on %s goes on", mounts[i]);
}

static void all_move(struct writer *writers)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(mounts); i++)
		if (!writer_moves(&writers[i], 5000))
			fail("the writer on %s is still blocked", mounts[i]);
}

static void freeze_blocks(void)
{
	struct writer writers[ARRAY_SIZE(mounts)];
	struct fsfreeze_status status;
	uint32_t deadline_ms = 20000 * patience();
	struct stat buffer;
	int fd;

	writers_start(writers);
	fd = device_freeze_wait(deadline_ms);
	all_blocked(writers);
	status = device_status(fd);
	CHECK(status.nr_total == ARRAY_SIZE(mounts));
	CHECK(status.nr_frozen == ARRAY_SIZE(mounts));
	CHECK(status.remaining_ms > deadline_ms / 2 && status.remaining_ms <= deadline_ms);
	CHECK(stat("/mnt/xfs/writer", &buffer) == 0);
	sync();
	figure("freeze of six file systems with writers, us", status.freeze_us);
	CHECK(device_thaw(fd) == 0);
	status = device_wait(fd, FSFREEZE_THAWED, 5000);
	CHECK(status.reason == FSFREEZE_REASON_REQUEST && status.error == 0);
	CHECK(status.nr_was_frozen == ARRAY_SIZE(mounts) && status.nr_frozen == 0);
	all_move(writers);
	writers_stop(writers);
}

static void stored_before(void)
{
	struct fsfreeze_entry upper, middle, lower;
	int fd = device_freeze_wait(20000);

	CHECK(device_entry(fd, "/mnt/ext4", &lower));
	CHECK(device_entry(fd, "/mnt/loop", &middle));
	CHECK(device_entry(fd, "/mnt/looploop", &upper));
	CHECK(upper.rank < middle.rank && middle.rank < lower.rank);
	device_thaw_wait(fd);
}

/* Writes through all of the stack, over and over: a wrong order would hang. */
static void stack_never_hangs(void)
{
	struct writer low = writer_start("/mnt/ext4"), high = writer_start("/mnt/looploop");
	struct fsfreeze_status status;
	int i, fd;

	for (i = 0; i < 20; i++) {
		fd = device_freeze_wait(10000);
		CHECK(!writer_moves(&high, 20));
		CHECK(device_thaw(fd) == 0);
		status = device_wait(fd, FSFREEZE_THAWED, 2000);
		CHECK(status.reason == FSFREEZE_REASON_REQUEST);
		close(fd);
		CHECK(writer_moves(&low, 2000) && writer_moves(&high, 2000));
	}
	writer_stop(&low);
	writer_stop(&high);
}

/* ext4 on device mapper on loop2 on xfs, and then the mapper is not the disk. */
static void mapper_order(void)
{
	struct fsfreeze_entry upper, lower;
	struct writer writer;
	char node[64];
	int fd;

	loop_attach("/mnt/xfs/dm.img", 2);
	linear_create("stacked", "/dev/loop2", node, sizeof(node));
	mkdir("/mnt/dm", 0755);
	if (mount(node, "/mnt/dm", "ext4", 0, NULL))
		fail("mount %s: %s", node, strerror(errno));
	writer = writer_start("/mnt/dm");
	fd = device_freeze_wait(10000);
	CHECK(device_entry(fd, "/mnt/xfs", &lower) && device_entry(fd, "/mnt/dm", &upper));
	CHECK(upper.rank < lower.rank);
	CHECK(!writer_moves(&writer, 50));
	device_thaw_wait(fd);
	CHECK(writer_moves(&writer, 2000));
	writer_stop(&writer);
	CHECK(umount("/mnt/dm") == 0);
}

/* btrfs does not tell what it is on; a loop device with an unknown user is. */
static void btrfs_on_loop(void)
{
	struct writer writer;
	int i, fd;

	loop_attach("/mnt/xfs/btrfs.img", 3);
	mkdir("/mnt/btrfsloop", 0755);
	if (mount("/dev/loop3", "/mnt/btrfsloop", "btrfs", 0, NULL))
		fail("mount btrfs on a loop device: %s", strerror(errno));
	writer = writer_start("/mnt/btrfsloop");
	for (i = 0; i < 5; i++) {
		fd = device_freeze_wait(10000);
		CHECK(!writer_moves(&writer, 50));
		device_thaw_wait(fd);
		CHECK(writer_moves(&writer, 2000));
	}
	writer_stop(&writer);
	CHECK(umount("/mnt/btrfsloop") == 0);
	loop_detach(3);
}

static void deadline_thaws(void)
{
	struct writer writers[ARRAY_SIZE(mounts)];
	uint32_t deadline_ms = 4000 * patience();
	struct fsfreeze_status status;
	uint64_t start;
	int fd;

	writers_start(writers);
	start = now_us();
	fd = device_freeze_wait(deadline_ms);
	all_blocked(writers);
	status = device_wait(fd, FSFREEZE_THAWED, 6000);
	figure("deadline of 4000 ms, thawed after, us", now_us() - start);
	CHECK(now_us() - start >= deadline_ms * 1000ull);
	CHECK(now_us() - start < deadline_ms * 1250ull);
	CHECK(status.reason == FSFREEZE_REASON_DEADLINE && status.error == 0);
	CHECK(status.nr_was_frozen == ARRAY_SIZE(mounts));
	CHECK(device_thaw(fd) == -ENOENT);
	all_move(writers);
	writers_stop(writers);
	close(fd);
}

/* A process that freezes and sleeps, with a child that has the file, too. */
static pid_t holder_start(bool with_child)
{
	int ready[2];
	char byte;
	pid_t pid;

	CHECK(pipe(ready) == 0);
	pid = fork();
	CHECK(pid >= 0);
	if (!pid) {
		int fd = device_freeze_wait(30000);

		(void)fd;
		if (with_child && !fork()) {
			prctl(PR_SET_PDEATHSIG, 0);
			sleep(35);
			_exit(0);
		}
		if (write(ready[1], "", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	close(ready[1]);
	CHECK(read(ready[0], &byte, 1) == 1);
	close(ready[0]);
	return pid;
}

static void killed_thaws(bool with_child, const char *name)
{
	struct writer writer = writer_start("/mnt/ext4");
	pid_t holder = holder_start(with_child);
	unsigned long before;
	uint64_t killed;

	CHECK(!writer_moves(&writer, 100));
	before = *writer.count;
	killed = now_us();
	kill(holder, SIGKILL);
	while (*writer.count == before && now_us() < killed + 5000000)
		usleep(50);
	figure(name, now_us() - killed);
	CHECK(writer_moves(&writer, 1000));
	waitpid(holder, NULL, 0);
	writer_stop(&writer);
	device_idle(5000);
}

static void sigkill_thaws(void)
{
	killed_thaws(false, "from SIGKILL of the holder to the first write, us");
}

static void sigkill_with_child_thaws(void)
{
	killed_thaws(true, "the same with an inherited descriptor, us");
}

static void close_thaws(void)
{
	struct writer writer = writer_start("/mnt/xfs");
	int fd = device_freeze_wait(30000);

	close(dup(fd));
	CHECK(!writer_moves(&writer, 100));
	close(fd);
	CHECK(writer_moves(&writer, 2000));
	writer_stop(&writer);
	device_idle(5000);
}

/* Below Linux 6.6 anybody thaws what we froze; then nobody may believe it held. */
static void theft_is_noticed(void)
{
	struct writer writer = writer_start("/mnt/ext4");
	int fd = device_freeze_wait(30000);
	struct fsfreeze_info info = device_info(fd);
	struct fsfreeze_status before = device_status(fd), after;
	struct fsfreeze_entry entry;

	if (info.holder_kernel) {
		/* Some say EINVAL, some nothing, and no one may thaw. */
		user_thaw("/mnt/ext4");
		CHECK(!writer_moves(&writer, 200));
		CHECK(device_status(fd).nr_frozen == before.nr_frozen);
		CHECK(device_thaw(fd) == 0);
		after = device_wait(fd, FSFREEZE_THAWED, 5000);
		CHECK(after.reason == FSFREEZE_REASON_REQUEST && after.error == 0);
		CHECK(writer_moves(&writer, 2000));
		writer_stop(&writer);
		return;
	}
	CHECK(user_thaw("/mnt/ext4") == 0);
	CHECK(device_status(fd).nr_frozen == before.nr_frozen - 1);
	CHECK(device_thaw(fd) == 0);
	after = device_wait(fd, FSFREEZE_THAWED, 5000);
	CHECK(after.reason == FSFREEZE_REASON_LOST && after.error == -EINVAL);
	CHECK(strncmp(after.failed, "ext4 ", 5) == 0);
	CHECK(device_entry(fd, "/mnt/ext4", &entry) && entry.error == -EINVAL);
	CHECK(after.nr_frozen == 0);
	writer_stop(&writer);
	close(fd);
}

/* Frozen before us by somebody else: it is his to thaw. */
static void users_freeze_stays(void)
{
	struct writer writer = writer_start("/mnt/xfs"), other = writer_start("/mnt/vfat");
	struct fsfreeze_entry entry;
	int fd;

	CHECK(user_freeze("/mnt/xfs") == 0);
	fd = device_freeze_wait(30000);
	CHECK(device_entry(fd, "/mnt/xfs", &entry));
	if (device_info(fd).holder_kernel)
		CHECK(entry.state == FSFREEZE_ENTRY_FROZEN);
	else
		CHECK(entry.state == FSFREEZE_ENTRY_HELD && entry.error == -EBUSY);
	CHECK(!writer_moves(&other, 50));
	CHECK(device_thaw(fd) == 0);
	CHECK(device_wait(fd, FSFREEZE_THAWED, 5000).reason == FSFREEZE_REASON_REQUEST);
	CHECK(device_status(fd).error == 0);
	CHECK(writer_moves(&other, 2000));
	CHECK(!writer_moves(&writer, 200));
	CHECK(user_thaw("/mnt/xfs") == 0);
	CHECK(writer_moves(&writer, 2000));
	writer_stop(&writer);
	writer_stop(&other);
	close(fd);
}

static void deadline_moves(void)
{
	int fd = device_freeze_wait(800 * patience());
	uint64_t start;

	CHECK(device_extend(fd, 5000 * patience()) == 0);
	pause_ms(1200 * patience());
	CHECK(device_status(fd).state == FSFREEZE_FROZEN);
	CHECK(device_status(fd).remaining_ms > 2000);
	start = now_us();
	CHECK(device_extend(fd, 300) == 0);
	CHECK(device_wait(fd, FSFREEZE_THAWED, 2000).reason == FSFREEZE_REASON_DEADLINE);
	CHECK(now_us() - start >= 300000);
	CHECK(device_extend(fd, 300) == -ENOENT);
	CHECK(device_extend(fd, 0) == -EINVAL);
	close(fd);
}

/*
 * The loop's backing file system is frozen by a user, so the flush of the loop
 * is stuck: a freeze that goes on for as long as we like.
 */
static int stuck_freeze(uint32_t timeout_ms, const int *fds, uint32_t nr)
{
	int fd = device_open();

	CHECK(user_freeze("/mnt/ext4") == 0);
	CHECK(device_freeze(fd, timeout_ms, fds, nr) == 0);
	pause_ms(300);
	CHECK(device_status(fd).state == FSFREEZE_FREEZING);
	return fd;
}

static void dirty(const char *path)
{
	static char data[65536];
	int fd = open(path, O_CREAT | O_WRONLY | O_TRUNC, 0600);

	CHECK(fd >= 0 && write(fd, data, sizeof(data)) == sizeof(data));
	close(fd);
}

static void cancel_while_freezing(void)
{
	int fds[2] = { open("/mnt/loop", O_RDONLY), open("/mnt/xfs", O_RDONLY) }, fd;
	struct writer writer = writer_start("/mnt/xfs");
	struct fsfreeze_status status;

	dirty("/mnt/loop/dirty");
	fd = stuck_freeze(30000, fds, 2);
	CHECK(device_thaw(fd) == 0);
	status = device_status(fd);
	CHECK(status.state == FSFREEZE_THAWING && status.reason == FSFREEZE_REASON_REQUEST);
	CHECK(writer_moves(&writer, 2000));
	CHECK(user_thaw("/mnt/ext4") == 0);
	status = device_wait(fd, FSFREEZE_THAWED, 5000);
	CHECK(status.reason == FSFREEZE_REASON_REQUEST && status.nr_was_frozen == 0);
	dirty("/mnt/loop/dirty");
	writer_stop(&writer);
	close(fd);
	close(fds[0]);
	close(fds[1]);
}

static void deadline_while_freezing(void)
{
	int fds[1] = { open("/mnt/loop", O_RDONLY) }, fd;
	struct fsfreeze_status status;

	dirty("/mnt/loop/dirty");
	fd = stuck_freeze(1000, fds, 1);
	status = device_wait(fd, FSFREEZE_THAWING, 2000);
	CHECK(status.reason == FSFREEZE_REASON_DEADLINE);
	CHECK(user_thaw("/mnt/ext4") == 0);
	device_wait(fd, FSFREEZE_THAWED, 5000);
	dirty("/mnt/loop/dirty");
	close(fd);
	close(fds[0]);
}

static void list_is_all(void)
{
	int fds[3] = { open("/mnt/xfs", O_RDONLY), open("/mnt/xfs/writer", O_CREAT | O_RDWR, 0600),
		       open("/mnt/btrfs", O_PATH) };
	struct writer in = writer_start("/mnt/xfs"), out = writer_start("/mnt/ext4");
	int fd = device_open(), tmpfs = open("/tmp", O_RDONLY);

	CHECK(device_freeze(fd, 0, &tmpfs, 1) == -EOPNOTSUPP);
	CHECK(device_freeze(fd, 0, (int[]){ 999 }, 1) == -EBADF);
	CHECK(device_freeze(fd, 0, fds, 3) == 0);
	CHECK(device_wait(fd, FSFREEZE_FROZEN, 5000).nr_frozen == 2);
	CHECK(!writer_moves(&in, 100));
	CHECK(writer_moves(&out, 2000));
	device_thaw_wait(fd);
	CHECK(writer_moves(&in, 2000));
	writer_stop(&in);
	writer_stop(&out);
	close(fds[0]);
	close(fds[1]);
	close(fds[2]);
	close(tmpfs);
}

/* Over-mounted, lazily unmounted, and mounted in another namespace only. */
static void hidden_are_frozen(void)
{
	struct writer over, lazy, inside;
	struct fsfreeze_status status;
	int fd;

	CHECK(unshare(CLONE_NEWNS) == 0);
	CHECK(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0);
	mkdir("/mnt/over", 0755);
	mkdir("/mnt/lazy", 0755);
	mkdir("/mnt/inside", 0755);
	CHECK(mount("/dev/vde", "/mnt/over", "ext4", 0, NULL) == 0);
	CHECK(mount("/dev/vdf", "/mnt/lazy", "ext2", 0, NULL) == 0);
	CHECK(mount("/dev/vdg", "/mnt/inside", "ext4", 0, NULL) == 0);
	over = writer_start("/mnt/over");
	lazy = writer_start("/mnt/lazy");
	inside = writer_start("/mnt/inside");
	CHECK(mount("tmpfs", "/mnt/over", "tmpfs", 0, NULL) == 0);
	CHECK(umount2("/mnt/lazy", MNT_DETACH) == 0);
	fd = open("/proc/1/ns/mnt", O_RDONLY);
	CHECK(fd >= 0 && setns(fd, CLONE_NEWNS) == 0);
	close(fd);
	CHECK(access("/mnt/inside/writer", F_OK) != 0);

	fd = device_freeze_wait(20000);
	status = device_status(fd);
	if (status.nr_frozen != ARRAY_SIZE(mounts) + 3)
		device_report_print(fd);
	CHECK(status.nr_frozen == ARRAY_SIZE(mounts) + 3);
	pause_ms(50);
	CHECK(!writer_moves(&over, 100) && !writer_moves(&lazy, 100) && !writer_moves(&inside, 100));
	device_thaw_wait(fd);
	CHECK(writer_moves(&over, 2000) && writer_moves(&lazy, 2000) && writer_moves(&inside, 2000));
	writer_stop(&over);
	writer_stop(&lazy);
	writer_stop(&inside);
}

/* The same superblock, mounted twice, is one file system. */
static void bind_is_one(void)
{
	struct writer writer;
	int fd;

	mkdir("/mnt/bind", 0755);
	CHECK(mount("/mnt/ext4", "/mnt/bind", NULL, MS_BIND, NULL) == 0);
	writer = writer_start("/mnt/bind");
	fd = device_freeze_wait(20000);
	CHECK(device_status(fd).nr_frozen == ARRAY_SIZE(mounts));
	CHECK(!writer_moves(&writer, 100));
	device_thaw_wait(fd);
	CHECK(writer_moves(&writer, 2000));
	writer_stop(&writer);
	CHECK(umount("/mnt/bind") == 0);
}

/* One superblock, two disks, and none of them tells the kernel of the other. */
static void several_devices(void)
{
	struct writer writer;
	int fd;

	mkdir("/mnt/pair", 0755);
	if (mount("/dev/vdi", "/mnt/pair", "btrfs", 0, "device=/dev/vdi,device=/dev/vdj"))
		fail("mount a btrfs of two disks: %s", strerror(errno));
	writer = writer_start("/mnt/pair");
	fd = device_freeze_wait(20000);
	CHECK(device_status(fd).nr_frozen == ARRAY_SIZE(mounts) + 1);
	CHECK(!writer_moves(&writer, 100));
	device_thaw_wait(fd);
	CHECK(writer_moves(&writer, 2000));
	writer_stop(&writer);
	CHECK(umount("/mnt/pair") == 0);
}

/* Nothing in the module names them: whatever writes to a block device is frozen. */
static void rare_ones(void)
{
	static const char *const types[] = { "f2fs", "jfs" };
	struct writer writers[ARRAY_SIZE(types)];
	char disk[16], point[16];
	unsigned int i;
	int fd;

	for (i = 0; i < ARRAY_SIZE(types); i++) {
		snprintf(disk, sizeof(disk), "/dev/vd%c", 'k' + i);
		snprintf(point, sizeof(point), "/mnt/%s", types[i]);
		mkdir(point, 0755);
		if (mount(disk, point, types[i], 0, NULL) && errno == ENODEV)
			skip("this kernel has not both of f2fs and jfs");
		writers[i] = writer_start(point);
	}
	fd = device_freeze_wait(20000);
	CHECK(device_status(fd).nr_frozen == ARRAY_SIZE(mounts) + ARRAY_SIZE(types));
	CHECK(!writer_moves(&writers[0], 100) && !writer_moves(&writers[1], 100));
	device_thaw_wait(fd);
	for (i = 0; i < ARRAY_SIZE(types); i++) {
		CHECK(writer_moves(&writers[i], 2000));
		writer_stop(&writers[i]);
		snprintf(point, sizeof(point), "/mnt/%s", types[i]);
		CHECK(umount(point) == 0);
	}
}

/* ext4 on a mirror of two files, one on xfs and one on ext4: before both. */
static void mirror_order(void)
{
	struct fsfreeze_entry upper, lower, other;
	struct writer writer;
	int i, fd;

	copy_file("/mnt/xfs/dm.img", "/mnt/xfs/mirror.img");
	copy_file("/mnt/xfs/dm.img", "/mnt/ext4/mirror.img");
	loop_attach("/mnt/xfs/mirror.img", 4);
	loop_attach("/mnt/ext4/mirror.img", 5);
	mirror_create(9, 4, 5);
	mkdir("/mnt/md", 0755);
	if (mount("/dev/md9", "/mnt/md", "ext4", 0, NULL))
		fail("mount a mirror: %s", strerror(errno));
	writer = writer_start("/mnt/md");
	for (i = 0; i < 5; i++) {
		fd = device_freeze_wait(10000);
		CHECK(device_entry(fd, "/mnt/md", &upper));
		CHECK(device_entry(fd, "/mnt/xfs", &lower) && device_entry(fd, "/mnt/ext4", &other));
		CHECK(upper.rank < lower.rank && upper.rank < other.rank);
		CHECK(!writer_moves(&writer, 50));
		device_thaw_wait(fd);
		CHECK(writer_moves(&writer, 2000));
	}
	writer_stop(&writer);
	CHECK(umount("/mnt/md") == 0);
	mirror_stop(9);
	loop_detach(4);
	loop_detach(5);
}

/* A program in the place of modprobe tells whether the kernel has called it. */
static void no_modprobe(void)
{
	static const char canary[] = "#!/bin/busybox sh\n/bin/busybox touch /tmp/canary\n";
	char before[128] = "";
	int fd = open("/proc/sys/kernel/modprobe", O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		skip("this kernel loads no modules by itself");
	CHECK(read(fd, before, sizeof(before) - 1) > 0);
	close(fd);
	close(open("/canary", O_CREAT | O_WRONLY, 0755));
	CHECK(write_file("/canary", canary) && write_file("/proc/sys/kernel/modprobe", "/canary"));
	device_thaw_wait(device_freeze_wait(20000));
	CHECK(access("/tmp/canary", F_OK) != 0);
	/* And it would have: this is how a module is asked for. */
	CHECK(mount("none", "/mnt", "nosuchfs", 0, NULL) == -1);
	CHECK(access("/tmp/canary", F_OK) == 0);
	CHECK(write_file("/proc/sys/kernel/modprobe", before));
}

/* Its core goes to a file system that it holds frozen: it cannot die before the thaw. */
static void core_dump_is_freed(void)
{
	const struct rlimit unlimited = { RLIM_INFINITY, RLIM_INFINITY };
	struct writer writer = writer_start("/mnt/xfs");
	uint64_t start;
	pid_t pid;
	int status;

	if (!write_file("/proc/sys/kernel/core_pattern", "core"))
		skip("this kernel dumps no core");
	start = now_us();
	pid = fork();
	CHECK(pid >= 0);
	if (!pid) {
		signal(SIGSEGV, SIG_DFL);
		if (setrlimit(RLIMIT_CORE, &unlimited) || chdir("/mnt/ext4"))
			_exit(1);
		device_freeze_wait(3000);
		raise(SIGSEGV);
	}
	CHECK(waitpid(pid, &status, 0) == pid);
	figure("deadline of 3000 ms with a core dumped to what is frozen, us", now_us() - start);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV && WCOREDUMP(status));
	CHECK(now_us() - start >= 3000000 && now_us() - start < 8000000);
	CHECK(writer_moves(&writer, 2000));
	writer_stop(&writer);
	unlink("/mnt/ext4/core");
	device_idle(5000);
}

static struct fsfreeze_statistics statistics(int fd)
{
	struct fsfreeze_statistics all = { .size = sizeof(all) };

	CHECK(ioctl(fd, FSFREEZE_IOC_STATISTICS, &all) == 0);
	return all;
}

/* Whoever asked: they outlive the file. */
static void statistics_count(void)
{
	int fd = device_open();
	struct fsfreeze_statistics before = statistics(fd), after;

	device_thaw_wait(device_freeze_wait(20000));
	close(device_freeze_wait(20000));
	device_idle(5000);
	after = statistics(fd);
	CHECK(after.size == sizeof(after) && after.asker == FSFREEZE_ASKER_FILE);
	CHECK(after.nr_begun == before.nr_begun + 3);
	CHECK(after.nr_thawed[FSFREEZE_REASON_CLOSE] == before.nr_thawed[FSFREEZE_REASON_CLOSE] + 1);
	CHECK(after.nr_thawed[FSFREEZE_REASON_REQUEST] ==
	      before.nr_thawed[FSFREEZE_REASON_REQUEST] + 2);
	CHECK(after.thaw_reason == FSFREEZE_REASON_REQUEST && after.thaw_error == 0);
	CHECK(after.longest_freeze_us > 0 && after.longest_thaw_us > 0);
	CHECK(strcmp(after.asked_by, "scenario") == 0);
	close(fd);
}

static void one_at_a_time(void)
{
	int fd = device_freeze_wait(20000), other = device_open();

	CHECK(device_freeze(other, 0, NULL, 0) == -EBUSY);
	CHECK(device_freeze(fd, 0, NULL, 0) == -EBUSY);
	CHECK(device_thaw(other) == -ENOENT);
	CHECK(device_extend(other, 1000) == -ENOENT);
	device_thaw_wait(fd);
	CHECK(device_freeze(other, 0, NULL, 0) == 0);
	device_wait(other, FSFREEZE_FROZEN, 5000);
	device_thaw_wait(other);
}

static void nonsense_is_refused(void)
{
	struct fsfreeze_freeze freeze = { .size = sizeof(freeze) - 1 };
	struct fsfreeze_status status = { .size = 8 };
	struct fsfreeze_report report = { .size = sizeof(report), .entry_size = 4 };
	int fd = device_open();
	uint32_t longest = device_info(fd).max_timeout_ms;

	CHECK(ioctl(fd, FSFREEZE_IOC_FREEZE, &freeze) == -1 && errno == EINVAL);
	freeze.size++;
	freeze.flags = 1;
	CHECK(ioctl(fd, FSFREEZE_IOC_FREEZE, &freeze) == -1 && errno == EINVAL);
	freeze.flags = 0;
	freeze.timeout_ms = longest + 1;
	CHECK(ioctl(fd, FSFREEZE_IOC_FREEZE, &freeze) == -1 && errno == EINVAL);
	freeze.timeout_ms = 0;
	freeze.nr_fds = 0xffffffff;
	CHECK(ioctl(fd, FSFREEZE_IOC_FREEZE, &freeze) == -1 && errno == EINVAL);
	freeze.nr_fds = 4;
	CHECK(ioctl(fd, FSFREEZE_IOC_FREEZE, &freeze) == -1 && errno == EFAULT);
	CHECK(ioctl(fd, FSFREEZE_IOC_STATUS, &status) == -1 && errno == EINVAL);
	CHECK(ioctl(fd, FSFREEZE_IOC_REPORT, &report) == -1 && errno == EINVAL);
	CHECK(ioctl(fd, FSFREEZE_IOC_STATUS, NULL) == -1 && errno == EFAULT);
	CHECK(ioctl(fd, _IO(FSFREEZE_IOC_MAGIC, 99)) == -1 && errno == ENOTTY);
	CHECK(device_thaw(fd) == -ENOENT);
	CHECK(device_status(fd).state == FSFREEZE_THAWED);
	CHECK(ioctl(fd, FSFREEZE_IOC_FREEZE, NULL) == -1 && errno == EFAULT);
	close(fd);
}

static void removal_is_refused(void)
{
	int fd = device_freeze_wait(20000);

	CHECK(syscall(SYS_delete_module, "virtio_fsfreeze", O_NONBLOCK) == -1);
	CHECK(errno == EAGAIN || errno == EBUSY);
	CHECK(device_status(fd).state == FSFREEZE_FROZEN);
	device_thaw_wait(fd);
}

/* As far as freezing tasks, then the kernel's own test of suspending goes back. */
static void suspend_thaws(void)
{
	struct fsfreeze_status status;
	int fd;

	if (!write_file("/sys/power/pm_test", "freezer"))
		skip("this kernel has no suspend test");
	fd = device_freeze_wait(60000);
	CHECK(write_file("/sys/power/state", "freeze"));
	status = device_status(fd);
	CHECK(status.state == FSFREEZE_THAWED && status.reason == FSFREEZE_REASON_SUSPEND);
	close(fd);
	device_idle(1000);
}

/* One after another, as programs do that have nothing but the old calls. */
static unsigned long one_by_one_us(unsigned int nr)
{
	uint64_t start = now_us(), end;
	char point[64];
	unsigned int i;

	for (i = 0; i < nr; i++) {
		snprintf(point, sizeof(point), "/mnt/m%u", i);
		CHECK(user_freeze(point) == 0);
	}
	end = now_us();
	while (i-- > 0) {
		snprintf(point, sizeof(point), "/mnt/m%u", i);
		CHECK(user_thaw(point) == 0);
	}
	return end - start;
}

/* Small file systems in files of one, all of them idle. */
static void many_are_quick(void)
{
	struct fsfreeze_status status;
	char file[64], node[64], point[64];
	int i, round, fd;
	unsigned long best = -1, alone;

	mkdir("/mnt/many", 0755);
	CHECK(mount("/dev/vdh", "/mnt/many", "ext4", 0, NULL) == 0);
	for (i = 0; i < 50; i++) {
		snprintf(file, sizeof(file), "/mnt/many/%d.img", i);
		snprintf(node, sizeof(node), "/dev/loop%d", 10 + i);
		snprintf(point, sizeof(point), "/mnt/m%d", i);
		loop_attach(file, 10 + i);
		mkdir(point, 0755);
		if (mount(node, point, "ext4", 0, NULL))
			fail("mount %s: %s", node, strerror(errno));
	}
	for (round = 0; round < 5; round++) {
		fd = device_freeze_wait(30000);
		CHECK(device_status(fd).nr_frozen == ARRAY_SIZE(mounts) + 51);
		CHECK(device_thaw(fd) == 0);
		status = device_wait(fd, FSFREEZE_THAWED, 10000);
		if (status.freeze_us < best)
			best = status.freeze_us;
		close(fd);
	}
	figure("freeze of 57 file systems, 50 of them idle ext4 on loop, best of 5, us", best);
	figure("their flush before it, the last time, us", status.flush_us);
	figure("their thaw, the last time, us", status.thaw_us);
	alone = one_by_one_us(50);
	figure("FIFREEZE of the 50, one after another, us", alone);
	CHECK(best * 3 < alone);
	for (i = 0; i < 50; i++) {
		snprintf(point, sizeof(point), "/mnt/m%d", i);
		umount(point);
		loop_detach(10 + i);
	}
	umount("/mnt/many");
}

static const struct {
	const char *title;
	void (*run)(void);
} scenarios[] = {
	{ "freeze blocks writers on every file system and thaw resumes them", freeze_blocks },
	{ "what is stored in a file of another is frozen first", stored_before },
	{ "a loop device on a loop device never hangs", stack_never_hangs },
	{ "a device mapper disk on a loop device is frozen first", mapper_order },
	{ "btrfs on a loop device never hangs", btrfs_on_loop },
	{ "a mirror on two loop devices is frozen first and never hangs", mirror_order },
	{ "f2fs and jfs are frozen as well", rare_ones },
	{ "the deadline thaws", deadline_thaws },
	{ "killing the holder thaws", sigkill_thaws },
	{ "killing the holder thaws although a child has the file open", sigkill_with_child_thaws },
	{ "closing the file thaws and closing a duplicate does not", close_thaws },
	{ "a thaw by somebody else is refused or reported", theft_is_noticed },
	{ "what a user froze stays frozen after the thaw", users_freeze_stays },
	{ "the deadline can be moved", deadline_moves },
	{ "thaw cancels a freeze that is still going on", cancel_while_freezing },
	{ "the deadline ends a freeze that is stuck", deadline_while_freezing },
	{ "a list freezes these and no others", list_is_all },
	{ "hidden file systems are frozen", hidden_are_frozen },
	{ "a file system mounted twice is one", bind_is_one },
	{ "a btrfs of several disks is frozen", several_devices },
	{ "no module is loaded for a freeze", no_modprobe },
	{ "a core dump onto what is frozen ends at the deadline", core_dump_is_freed },
	{ "statistics count the freezes of all", statistics_count },
	{ "there is one freeze at a time", one_at_a_time },
	{ "nonsense is refused", nonsense_is_refused },
	{ "the module stays while frozen", removal_is_refused },
	{ "suspending thaws", suspend_thaws },
	{ "fifty file systems freeze side by side", many_are_quick },
};

static void run(unsigned int i)
{
	uint64_t limit_s = LIMIT_S * patience();
	uint64_t end = now_us() + limit_s * 1000000;
	pid_t pid;
	int status;

	title = scenarios[i].title;
	fflush(stdout);
	pid = fork();
	if (!pid) {
		scenarios[i].run();
		printf("ok - %s\n", title);
		fflush(stdout);
		_exit(0);
	}
	while (waitpid(pid, &status, WNOHANG) == 0) {
		if (now_us() > end) {
			printf("not ok - %s: still running after %d s\n", title, (int)limit_s);
			write_file("/proc/sysrq-trigger", "w");
			return;
		}
		usleep(2000);
	}
	if (!WIFEXITED(status))
		printf("not ok - %s: signal %d\n", title, WTERMSIG(status));
}

static void run_cycles(unsigned int nr)
{
	title = "freezing over and over harms nothing";
	cycles_run(nr);
	printf("ok - %s\n", title);
}

int main(int argc, char **argv)
{
	const char *cycles = getenv("cycles");
	unsigned int i;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (cycles) {
		run_cycles(atoi(cycles));
		goto off;
	}
	for (i = 0; i < ARRAY_SIZE(scenarios); i++)
		if (argc < 2 || strstr(scenarios[i].title, argv[1]))
			run(i);
	/* The last one ends the guest, with everything frozen. */
	if (argc < 2)
		device_freeze_wait(60000);
off:
	printf("scenarios over\n");
	fflush(stdout);
	reboot(RB_POWER_OFF);
	return 1;
}
