/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the scenarios in the guest are made of. */
#ifndef KMOD_GUEST_H
#define KMOD_GUEST_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <linux/virtio_fsfreeze.h>

#define ARRAY_SIZE(array)	(sizeof(array) / sizeof((array)[0]))

/* A scenario that finds something wrong says what and is over. */
#define CHECK(condition)                                                                           \
	do {                                                                                       \
		if (!(condition))                                                                  \
			fail("%s:%d: %s", __FILE__, __LINE__, #condition);                         \
	} while (0)

void fail(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));
void skip(const char *reason) __attribute__((noreturn));
void figure(const char *name, unsigned long value);

/* clock.c */
uint64_t now_us(void);
void pause_ms(unsigned int ms);
/* By how much this kernel may be slower than others: a factor of what is timed. */
unsigned int patience(void);

/* device.c: /dev/fsfreeze. Functions that return int return a negative errno. */
int device_open(void);
int device_freeze(int fd, uint32_t timeout_ms, const int *fds, uint32_t nr_fds);
int device_thaw(int fd);
int device_extend(int fd, uint32_t timeout_ms);
struct fsfreeze_info device_info(int fd);
struct fsfreeze_status device_status(int fd);
struct fsfreeze_status device_wait(int fd, uint32_t state, unsigned int ms);
bool device_entry(int fd, const char *path, struct fsfreeze_entry *entry);
void device_report_print(int fd);
int device_freeze_wait(uint32_t timeout_ms);
void device_thaw_wait(int fd);
void device_idle(unsigned int ms);

/* writer.c: a process that writes and syncs a file for ever. */
struct writer {
	pid_t pid;
	volatile unsigned long *count;
};
struct writer writer_start(const char *directory);
bool writer_moves(const struct writer *writer, unsigned int ms);
void writer_stop(struct writer *writer);

/* disk.c: loop devices, stacks on them, the freeze calls of old. */
int loop_attach(const char *file, int number);
void loop_detach(int number);
int user_freeze(const char *path);
int user_thaw(const char *path);
int linear_create(const char *name, const char *device, char *node, size_t size);
void mirror_create(int number, int first_loop, int second_loop);
void mirror_stop(int number);
void copy_file(const char *from, const char *to);

/* cycles.c: so many freezes under load; everything is unmounted then. */
void cycles_run(unsigned int nr);

#endif
