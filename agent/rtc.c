/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "rtc.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/rtc.h>
#include <sys/ioctl.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "error.h"

#define POLL_US 5000
/* A second, and what a busy host adds to it. */
#define POLLS_MAX 400

static const char *const devices[] = { "/dev/rtc0", "/dev/rtc", "/dev/misc/rtc" };

static int rtc_open(int flags)
{
	int fd = -1;

	for (guint i = 0; i < G_N_ELEMENTS(devices) && fd < 0; i++) {
		fd = open(devices[i], flags | O_CLOEXEC);
		if (fd < 0 && errno != ENOENT)
			break;
	}
	return fd;
}

/* hwclock's file: its third line is UTC or LOCAL. */
static gboolean is_local(void)
{
	g_autofree char *text = NULL;
	g_auto(GStrv) lines = NULL;

	if (!g_file_get_contents("/etc/adjtime", &text, NULL, NULL))
		return FALSE;
	lines = g_strsplit(text, "\n", 4);
	return g_strv_length(lines) >= 3 && g_str_has_prefix(lines[2], "LOCAL");
}

static time_t to_time(const struct rtc_time *rtc)
{
	struct tm tm = { .tm_sec = rtc->tm_sec,
			 .tm_min = rtc->tm_min,
			 .tm_hour = rtc->tm_hour,
			 .tm_mday = rtc->tm_mday,
			 .tm_mon = rtc->tm_mon,
			 .tm_year = rtc->tm_year,
			 .tm_isdst = -1 };

	return is_local() ? mktime(&tm) : timegm(&tm);
}

static struct rtc_time from_time(time_t time)
{
	struct tm tm;

	if (is_local())
		localtime_r(&time, &tm);
	else
		gmtime_r(&time, &tm);
	return (struct rtc_time){ .tm_sec = tm.tm_sec,
				  .tm_min = tm.tm_min,
				  .tm_hour = tm.tm_hour,
				  .tm_mday = tm.tm_mday,
				  .tm_mon = tm.tm_mon,
				  .tm_year = tm.tm_year };
}

/* Reads until the second changes. */
static gboolean wait_for_second(int fd, struct rtc_time *rtc)
{
	int second;

	if (ioctl(fd, RTC_RD_TIME, rtc) < 0)
		return FALSE;
	second = rtc->tm_sec;
	for (guint i = 0; i < POLLS_MAX && rtc->tm_sec == second; i++) {
		usleep(POLL_US);
		if (ioctl(fd, RTC_RD_TIME, rtc) < 0)
			return FALSE;
	}
	return TRUE;
}

gboolean rtc_to_system(GError **error)
{
	int fd = rtc_open(O_RDONLY), errnum;
	struct timeval now = { 0 };
	struct rtc_time rtc;

	if (fd < 0)
		return agent_error_errno(error, errno, "cannot open the hardware clock");
	errnum = wait_for_second(fd, &rtc) ? 0 : errno;
	close(fd);
	if (errnum)
		return agent_error_errno(error, errnum, "cannot read the hardware clock");
	now.tv_sec = to_time(&rtc);
	if (settimeofday(&now, NULL) < 0)
		return agent_error_errno(error, errno,
					 "failed to set time from the hardware clock");
	return TRUE;
}

gboolean rtc_from_system(GError **error)
{
	int fd = rtc_open(O_WRONLY), errnum;
	struct rtc_time rtc;

	if (fd < 0 && errno == ENOENT)
		return TRUE;
	if (fd < 0)
		return agent_error_errno(error, errno,
					 "the time is set, but cannot open the hardware clock");
	/* Setting it starts a second; half a one is the smallest error in the mean. */
	rtc = from_time((time_t)((g_get_real_time() + G_USEC_PER_SEC / 2) / G_USEC_PER_SEC));
	errnum = ioctl(fd, RTC_SET_TIME, &rtc) < 0 ? errno : 0;
	close(fd);
	if (errnum)
		return agent_error_errno(error, errnum,
					 "the time is set, but cannot set the hardware clock");
	return TRUE;
}
