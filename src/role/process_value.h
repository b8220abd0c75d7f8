/*
 * process_value: the value of a communication process and of each of its instances: Run, Stop, Crash, WDErr
 * (reference 4.1). What follows from what happens is one function with every cell written.
 */
#ifndef ROLE_PROCESS_VALUE_H
#define ROLE_PROCESS_VALUE_H

enum process_value {
    PROCESS_RUN,
    PROCESS_STOP,  /* ended, and had said so; also: it never ran */
    PROCESS_CRASH, /* lost without a word */
    PROCESS_WDERR, /* connected, and its watchdog (the renewal of its lease) is silent */
    PROCESS_VALUE_COUNT
};

enum instance_happening {
    INSTANCE_CONNECTED,
    INSTANCE_SILENT, /* nothing renewed for a lease */
    INSTANCE_HEARD,  /* renewed */
    INSTANCE_ENDED,  /* its connection ended, after it had said that it ends */
    INSTANCE_LOST    /* its connection ended without that */
};

/* The value of an instance that had `value`. */
enum process_value process_value_after(enum process_value value, enum instance_happening happening);

/* "Run", "Stop", "Crash", "WDErr". Static storage. */
const char *process_value_name(enum process_value value);

#endif
