/* SPDX-License-Identifier: GPL-2.0-or-later */
/* base/version.h - The common version of kfarm, kfarmd and kfarm-cc. */
#ifndef BASE_VERSION_H
#define BASE_VERSION_H

#define KFARM_VERSION "0.1"

#endif
