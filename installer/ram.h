/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Not depending on the medium while at work. */
#ifndef SETUP_RAM_H
#define SETUP_RAM_H

/*
 * ram_enter() - go on from a copy of this program in memory, so that the medium may go away
 *
 * Executes the copy with the same arguments, and returns only in it, or where there can be none
 * (before Linux 3.17): there the program is locked into memory instead.
 */
void ram_enter(char **argv);

#endif
