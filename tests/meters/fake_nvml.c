/* A stand-in for libnvidia-ml.so.1: the functions that pynvml calls, over GPUs whose power is known exactly.

   Time is virtual: the test moves it with fake_time_ms(). Power of GPU g is a square wave, `high` watts for the first
   `duty_ms` of every `wave_ms`, `low` for the rest; its integral is exact, and every reading is derived from it.
   Errors are switched on per GPU and function with fake_set(gpu, key, value). */

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { OK = 0, INVALID = 2, NOT_SUPPORTED = 3, NOT_FOUND = 6, TOO_SMALL = 7, LOST = 15 };
enum { MAX_GPUS = 4, MAX_PROCESSES = 8 };

typedef struct {
    char uuid[64];
    unsigned bus;
    double low, high, wave_ms, duty_ms;
    double counter_ms;                 /* update period of the energy counter */
    double reset_ms;                   /* time of a counter reset, < 0 for none */
    double refresh_ms;                 /* refresh of the power readings */
    double lost_ms;                    /* from when the GPU is lost, < 0 for never */
    double hot_from_ms, hot_to_ms;      /* when it is held back for heat */
    int counter_error, field_error, power_error, violation_error, frozen, mig;
    unsigned long long throttle;
    unsigned pids[MAX_PROCESSES];
    int processes;
} Gpu;

typedef struct { unsigned id, scope; long long timestamp, latency; unsigned type; int result; union { double d; unsigned ui; unsigned long long ull; } value; } Field;
typedef struct { unsigned pid; unsigned long long used; unsigned gpu_instance, compute_instance; } Process;
typedef struct { char legacy[16]; unsigned domain, bus, device, id, subsystem; char bus_id[32]; } Pci;
typedef struct { unsigned long long total, free, used; } Memory;

static Gpu gpus[MAX_GPUS];
static int count = 0;
static double now_ms = 0;

static double energy_mj(const Gpu *g, double t) {    /* W * ms = mJ */
    if (t < 0) return g->low * t;
    double waves = floor(t / g->wave_ms), rest = t - waves * g->wave_ms;
    double high_ms = waves * g->duty_ms + fmin(rest, g->duty_ms);
    return g->low * t + (g->high - g->low) * high_ms;
}

static double mean_mw(const Gpu *g, double over_ms) {
    double end = floor(now_ms / g->refresh_ms) * g->refresh_ms;
    return (energy_mj(g, end) - energy_mj(g, end - over_ms)) / over_ms * 1000.0;
}

static int lost(const Gpu *g) { return g->lost_ms >= 0 && now_ms >= g->lost_ms; }

/* --- what the test calls --- */
void fake_time_ms(double t) { now_ms = t; }
double fake_energy_mj(int gpu, double t) { return energy_mj(&gpus[gpu], t); }
void fake_add_gpu(const char *uuid, unsigned bus) {
    Gpu *g = &gpus[count++];
    memset(g, 0, sizeof *g);
    strncpy(g->uuid, uuid, sizeof g->uuid - 1);
    g->bus = bus; g->low = g->high = 100; g->wave_ms = 100; g->duty_ms = 50;
    g->counter_ms = 20; g->refresh_ms = 1; g->reset_ms = g->lost_ms = -1;
}
void fake_set(int gpu, const char *key, double value) {
    Gpu *g = &gpus[gpu];
    if (!strcmp(key, "low")) g->low = value;
    else if (!strcmp(key, "high")) g->high = value;
    else if (!strcmp(key, "wave_ms")) g->wave_ms = value;
    else if (!strcmp(key, "duty_ms")) g->duty_ms = value;
    else if (!strcmp(key, "counter_ms")) g->counter_ms = value;
    else if (!strcmp(key, "reset_ms")) g->reset_ms = value;
    else if (!strcmp(key, "refresh_ms")) g->refresh_ms = value;
    else if (!strcmp(key, "lost_ms")) g->lost_ms = value;
    else if (!strcmp(key, "counter_error")) g->counter_error = (int)value;
    else if (!strcmp(key, "field_error")) g->field_error = (int)value;
    else if (!strcmp(key, "power_error")) g->power_error = (int)value;
    else if (!strcmp(key, "frozen")) g->frozen = (int)value;
    else if (!strcmp(key, "mig")) g->mig = (int)value;
    else if (!strcmp(key, "hot_from_ms")) g->hot_from_ms = value;
    else if (!strcmp(key, "hot_to_ms")) g->hot_to_ms = value;
    else if (!strcmp(key, "violation_error")) g->violation_error = (int)value;
    else if (!strcmp(key, "throttle")) g->throttle = (unsigned long long)value;
    else if (!strcmp(key, "pid")) g->pids[g->processes++] = (unsigned)value;
    else abort();
}

/* --- what pynvml calls --- */
int nvmlInitWithFlags(unsigned flags) { (void)flags; const char *e = getenv("FAKE_NVML_INIT"); return e ? atoi(e) : OK; }
int nvmlShutdown(void) { return OK; }
const char *nvmlErrorString(int code) {
    switch (code) {
        case 3: return "Not Supported";
        case 4: return "Insufficient Permissions";
        case 9: return "Driver Not Loaded";
        case 15: return "GPU is lost";
        default: return "Unknown Error";
    }
}
int nvmlDeviceGetCount_v2(unsigned *n) { *n = count; return OK; }
int nvmlDeviceGetHandleByIndex_v2(unsigned i, void **handle) { if ((int)i >= count) return INVALID; *handle = &gpus[i]; return OK; }
int nvmlDeviceGetHandleByUUID(const char *uuid, void **handle) {
    for (int i = 0; i < count; i++) if (!strcmp(gpus[i].uuid, uuid)) { *handle = &gpus[i]; return OK; }
    return NOT_FOUND;
}
int nvmlDeviceGetUUID(Gpu *g, char *text, unsigned size) { strncpy(text, g->uuid, size); return OK; }
int nvmlDeviceGetName(Gpu *g, char *text, unsigned size) { (void)g; strncpy(text, "Fake GPU", size); return OK; }
int nvmlDeviceGetVbiosVersion(Gpu *g, char *text, unsigned size) { (void)g; strncpy(text, "96.00.61", size); return OK; }
int nvmlSystemGetDriverVersion(char *text, unsigned size) { strncpy(text, "570.86", size); return OK; }
int nvmlSystemGetCudaDriverVersion_v2(int *version) { *version = 12080; return OK; }
int nvmlDeviceGetPciInfo_v3(Gpu *g, Pci *info) { memset(info, 0, sizeof *info); info->bus = g->bus; return OK; }
int nvmlDeviceGetMigMode(Gpu *g, unsigned *current, unsigned *pending) { *current = *pending = g->mig; return OK; }
#ifndef WITHOUT_COUNTER
int nvmlDeviceGetTotalEnergyConsumption(Gpu *g, unsigned long long *mj) {
    if (lost(g)) return LOST;
    if (g->counter_error) return g->counter_error;
    double t = g->frozen ? 0 : floor(now_ms / g->counter_ms) * g->counter_ms;
    double base = g->reset_ms >= 0 && t >= g->reset_ms ? energy_mj(g, g->reset_ms) : -5e6;
    *mj = (unsigned long long)(energy_mj(g, t) - base);
    return OK;
}
#endif
int nvmlDeviceGetFieldValues(Gpu *g, int n, Field *fields) {
    if (lost(g)) return LOST;
    for (int i = 0; i < n; i++) {
        fields[i].type = 1;
        fields[i].result = g->field_error;
        if (!g->field_error) fields[i].value.ui = (unsigned)lround(mean_mw(g, fields[i].id == 186 ? 25 : 1000));
    }
    return OK;
}
int nvmlDeviceGetPowerUsage(Gpu *g, unsigned *mw) {
    if (lost(g)) return LOST;
    if (g->power_error) return g->power_error;
    *mw = (unsigned)lround(mean_mw(g, 1000));
    return OK;
}
int nvmlDeviceGetEnforcedPowerLimit(Gpu *g, unsigned *mw) { (void)g; *mw = 700000; return OK; }
static int is_hot(const Gpu *g) { return now_ms >= g->hot_from_ms && now_ms < g->hot_to_ms; }
static int throttle_bits(const Gpu *g, unsigned long long *bits) {
    if (lost(g)) return LOST;
    *bits = g->throttle | (is_hot(g) ? 0x40 : 0);
    return OK;
}
int nvmlDeviceGetCurrentClocksThrottleReasons(Gpu *g, unsigned long long *bits) { return throttle_bits(g, bits); }
#ifndef BEFORE_535
int nvmlDeviceGetCurrentClocksEventReasons(Gpu *g, unsigned long long *bits) { return throttle_bits(g, bits); }
#endif
typedef struct { unsigned long long reference_us, violation_ns; } Violation;
int nvmlDeviceGetViolationStatus(Gpu *g, unsigned policy, Violation *out) {    /* 1 is heat */
    if (lost(g)) return LOST;
    if (g->violation_error) return g->violation_error;
    double hot_ms = fmin(now_ms, g->hot_to_ms) - g->hot_from_ms;
    out->reference_us = (unsigned long long)(now_ms * 1e3);
    out->violation_ns = policy == 1 && hot_ms > 0 ? (unsigned long long)(hot_ms * 1e6) : 0;
    return OK;
}
int nvmlDeviceGetTemperature(Gpu *g, unsigned sensor, unsigned *c) { (void)sensor; if (lost(g)) return LOST; *c = 55; return OK; }
int nvmlDeviceGetMemoryInfo(Gpu *g, Memory *m) { if (lost(g)) return LOST; m->total = 80ull << 30; m->used = 3ull << 30; m->free = m->total - m->used; return OK; }
int nvmlDeviceGetClockInfo(Gpu *g, unsigned kind, unsigned *mhz) { if (lost(g)) return LOST; *mhz = kind == 1 ? (is_hot(g) ? 900 : 1500) : 2600; return OK; }
int nvmlDeviceGetMaxClockInfo(Gpu *g, unsigned kind, unsigned *mhz) { (void)g; (void)kind; *mhz = 1980; return OK; }
int nvmlDeviceGetPersistenceMode(Gpu *g, unsigned *on) { (void)g; *on = 0; return OK; }
int nvmlDeviceGetComputeRunningProcesses_v3(Gpu *g, unsigned *n, Process *list) {
    if (lost(g)) return LOST;
    unsigned room = *n;
    *n = g->processes;
    if (!g->processes) return OK;
    if (!list || room < (unsigned)g->processes) return TOO_SMALL;
    for (int i = 0; i < g->processes; i++) list[i] = (Process){g->pids[i], 1ull << 30, 0, 0};
    return OK;
}
