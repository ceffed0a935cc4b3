# SPDX-License-Identifier: GPL-2.0-or-later
"""Configurations, Kconfig settings and variables of the shadow test."""

# Headers that some of the sources include, and headers that all include.
NARROW = ['include/linux/%s.h' % n for n in (
    'crc16', 'crc-ccitt', 'crc-itu-t', 'crc7', 'crc8', 'gcd', 'lcm',
    'semaphore', 'rwsem', 'percpu-rwsem', 'reciprocal_div', 'osq_lock',
    'ww_mutex')]
WIDE = ['include/linux/%s.h' % n for n in (
    'kernel', 'list', 'types', 'mutex', 'spinlock')]

# `parts` are the goals of most steps; `others` are goals of single steps.
# `modules` together with another goal would also compile what is built in.
CONFIGURATIONS = {
    'modules': {
        'arch': 'arm64', 'arch_dir': 'arm64',
        'vars': ['ARCH=arm64', 'CROSS_COMPILE=aarch64-linux-gnu-'],
        'parts': ['kernel/locking/', 'lib/math/'],
        'others': [['modules'], ['dtbs']],
        'devicetrees': 'arch/arm64/boot/dts/realtek',
    },
    'modversions': {
        'arch': 'arm64', 'arch_dir': 'arm64',
        'vars': ['ARCH=arm64', 'CROSS_COMPILE=aarch64-linux-gnu-'],
        'parts': ['kernel/locking/', 'lib/math/', 'lib/crc16.ko'],
        'others': [['lib/crc-ccitt.ko', 'lib/crc-itu-t.ko'], ['lib/crc16.ko']],
    },
    'objtool': {
        'arch': 'x86_64', 'arch_dir': 'x86', 'vars': ['ARCH=x86_64'],
        'parts': ['kernel/locking/', 'lib/math/', 'lib/crc16.ko'],
        'others': [['lib/crc-ccitt.ko'], ['arch/x86/lib/']],
    },
}

DEBUG = ['DEBUG_INFO_NONE', 'DEBUG_INFO_DWARF4', 'DEBUG_INFO_DWARF5',
         'DEBUG_INFO_DWARF_TOOLCHAIN_DEFAULT']
SLAB = [('SLOB', 'n'), ('SLUB', 'n'), ('SLAB', 'y')]
DEBUG_FS = [('DEBUG_KERNEL', 'y'), ('DEBUG_FS', 'y')]
FIRMWARE = 'drivers/base/firmware_loader/'


def debug_info(wanted):
    return [('DEBUG_KERNEL', 'y')] + [(s, 'y' if s == wanted else 'n')
                                      for s in DEBUG]


def light(place):
    """Return settings that recompile little, each with additional goals."""
    payload = place + '/linux/shadow/'
    initrd = [('BLK_DEV_INITRD', 'y'), ('RD_GZIP', 'y')]
    firmware = [('FW_LOADER', 'y'),
                ('EXTRA_FIRMWARE_DIR', '"%sfirmware"' % payload)]
    sets = [([(s, v)], []) for s in (
        'CRC16', 'CRC_CCITT', 'CRC_ITU_T', 'CRC4', 'CRC7', 'CRC8', 'CORDIC',
        'PRIME_NUMBERS', 'XZ_DEC', 'CRC32_SELFTEST') for v in 'mny']
    sets += [([('LOCALVERSION', '"-shadow%d"' % n)], []) for n in range(3)]
    sets += [([('DEFAULT_HOSTNAME', '"h%d"' % n)], ['init/version.o'])
             for n in range(3)]
    sets += [
        ([('IKCONFIG', 'y')], ['kernel/configs.o']),
        ([('IKCONFIG', 'm')], ['kernel/configs.o']),
        ([('IKCONFIG', 'n')], []),
        ([('SYSFS', 'y'), ('IKHEADERS', 'm')], ['kernel/kheaders.o']),
        ([('IKHEADERS', 'n')], []),
        (initrd + [('INITRAMFS_SOURCE', '"%sfiles.list"' % payload)],
         ['usr/']),
        (initrd + [('INITRAMFS_SOURCE', '"%sroot %sfiles.list"' % (
            payload, payload))], ['usr/']),
        (initrd + [('INITRAMFS_SOURCE', '""')], ['usr/']),
        (firmware + [('EXTRA_FIRMWARE', '"shadow.bin"')], [FIRMWARE]),
        (firmware + [('EXTRA_FIRMWARE', '""')], [FIRMWARE]),
        ([('BLK_DEV_INITRD', 'n')], ['usr/']),
        ([('DEBUG_MUTEXES', 'y'), ('DEBUG_KERNEL', 'y')], []),
        ([('DEBUG_MUTEXES', 'n')], []),
        ([('FRAME_WARN', '256')], []), ([('FRAME_WARN', '2048')], []),
    ]
    return sets


# The plugins latent_entropy and randstruct use random numbers, so two builds
# by make can also differ.
# Each recompiles everything.  DEBUG_INFO_SPLIT is missing: gcc 12 gives some
# objects another DWO ID whenever it compiles them.
HEAVY = [
    [('KASAN', 'y'), ('KASAN_GENERIC', 'y')] + SLAB, [('KASAN', 'n')],
    [('UBSAN', 'y'), ('UBSAN_BOUNDS', 'y')], [('UBSAN', 'n')],
    DEBUG_FS + [('KCOV', 'y')], [('KCOV', 'n')],
    DEBUG_FS + [('GCOV_KERNEL', 'y'), ('GCOV_PROFILE_ALL', 'y')],
    [('GCOV_KERNEL', 'n')],
    debug_info('DEBUG_INFO_NONE'), debug_info('DEBUG_INFO_DWARF4'),
    debug_info('DEBUG_INFO_DWARF5'),
    debug_info('DEBUG_INFO_DWARF5') + [('DEBUG_INFO_REDUCED', 'y')],
    debug_info('DEBUG_INFO_DWARF5') + [('DEBUG_INFO_COMPRESSED', 'y')],
    [('MODVERSIONS', 'y')], [('MODVERSIONS', 'n')],
    [('GCC_PLUGINS', 'y'), ('GCC_PLUGIN_STACKLEAK', 'y')],
    [('GCC_PLUGINS', 'n')],
    [('INIT_STACK_NONE', 'n'), ('INIT_STACK_ALL_ZERO', 'y')],
    [('INIT_STACK_ALL_ZERO', 'n'), ('INIT_STACK_NONE', 'y')],
    [('WERROR', 'y')], [('WERROR', 'n')],
    [('CC_OPTIMIZE_FOR_SIZE', 'n'), ('CC_OPTIMIZE_FOR_PERFORMANCE', 'y')],
    [('CC_OPTIMIZE_FOR_PERFORMANCE', 'n'), ('CC_OPTIMIZE_FOR_SIZE', 'y')],
    [('MODULE_SRCVERSION_ALL', 'y')], [('MODULE_SRCVERSION_ALL', 'n')],
    [('STACKPROTECTOR', 'y')], [('STACKPROTECTOR', 'n')],
]


def script_options(settings):
    """Return options of scripts/config for (symbol, value) pairs."""
    words = {'y': '--enable', 'm': '--module', 'n': '--disable'}
    options = []
    for symbol, value in settings:
        if value in words:
            options += [words[value], symbol]
        elif value.startswith('"'):
            options += ['--set-str', symbol, value.strip('"')]
        else:
            options += ['--set-val', symbol, value]
    return options


def variables(place, n):
    """Return the variables of single steps: (environment, command line)."""
    path = place + '/linux/shadow/path'
    return [
        ({}, ['V=1']), ({}, ['V=0', 'C=0']), ({'KBUILD_VERBOSE': '1'}, []),
        ({}, ['W=1']), ({}, ['KCFLAGS=-DSHADOW=%d' % n]),
        ({}, ['KCFLAGS=-DSHADOW="%d;b" -DSHADOW_2=\\"c\\"' % n]),
        ({'KCFLAGS': '-DSHADOW=\'"%d (a) $$b"\' -DSHADOW_2={c,d}' % n}, []),
        ({'MAKEFLAGS': 's'}, []), ({'MAKEFLAGS': 'rR'}, []),
        ({'KCFLAGS': '-DSHADOW=%d -fno-inline' % n}, []),
        ({'KCPPFLAGS': '-DSHADOW=%d' % n}, []),
        ({'KAFLAGS': '-DSHADOW=%d' % n}, []),
        ({'CPATH': path}, []), ({'CPATH': path}, []),
        ({'C_INCLUDE_PATH': path}, []), ({'C_INCLUDE_PATH': path}, []),
        ({'COMPILER_PATH': place + '/linux/shadow'}, []),
        ({'LOCALVERSION': '-step%d' % n}, []),
        ({}, ['LOCALVERSION=-step%d' % n]),
        ({'SOURCE_DATE_EPOCH': '1600000000'}, []),
        ({'DEPENDENCIES_OUTPUT': place + '/build/shadow.deps'}, []),
        ({'GCC_COLORS': 'error=01;31', 'LANGUAGE': 'de'}, []),
        ({'LC_ALL': 'C'}, []), ({'POSIXLY_CORRECT': '1'}, []),
        ({'EXTRA_CFLAGS': '-DSHADOW=%d' % n}, []),
        ({'TMPDIR': place + '/build'}, []),
    ]
