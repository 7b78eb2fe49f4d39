/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AGENT_RTC_H
#define AGENT_RTC_H

#include <glib.h>

/*
 * The hardware clock, by its ioctls: no hwclock program is needed. Whether it
 * runs in UTC or local time is what /etc/adjtime says. These block for up to a
 * second.
 */

/**
 * rtc_to_system() - set the system's clock from the hardware clock.
 *
 * At the beginning of a second of the hardware clock, as it tells no fractions.
 */
gboolean rtc_to_system(GError **error);

/** rtc_from_system() - the other way. Return: TRUE also where there is no hardware clock. */
gboolean rtc_from_system(GError **error);

#endif
