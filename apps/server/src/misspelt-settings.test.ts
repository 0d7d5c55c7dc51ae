import { describe, expect, test } from 'vitest'
import { misspeltSettings } from './misspelt-settings.ts'
import { settings } from './settings.ts'

describe('misspeltSettings', () => {
  test.each([
    ['THREDS', 'THREADS'], ['THREAD', 'THREADS'], ['SALE_ITEM', 'SALE_ITEMS'], ['SALEITEMS', 'SALE_ITEMS'], ['USERLIMIT', 'USER_LIMIT'], ['USER_LIMITS', 'USER_LIMIT'],
    ['SALE_PEROID', 'SALE_PERIOD'], ['RESERVATION_TLL', 'RESERVATION_TTL'], ['DATABASE_URI', 'DATABASE_URL'], ['DBHOST', 'DB_HOST'], ['PROT', 'PORT'], ['ADMINPORT', 'ADMIN_PORT'],
    ['LOGLEVEL', 'LOG_LEVEL'], ['SHUTDOWN_TIME_OUT', 'SHUTDOWN_TIMEOUT'], ['RETENTIONS', 'RETENTION'], ['DATADIR', 'DATA_DIR'], ['UNSAVE_DATABASE', 'UNSAFE_DATABASE'],
  ])('%s is nearly %s', (name, meant) => {
    expect(misspeltSettings({ [name]: '1' })).toEqual([[name, meant]])
    expect(misspeltSettings({ [name]: '' })).toEqual([])
  })

  test('every setting without one of its letters, from five letters on', () => {
    for (const name of Object.keys(settings).filter((known) => known.replaceAll('_', '').length > 4)) {
      for (let index = 0; index < name.length; index++) {
        const wrong = name.slice(0, index) + name.slice(index + 1)
        if (!(wrong in settings)) expect(misspeltSettings({ [wrong]: '1' }), wrong).toHaveLength(1)
      }
    }
  })

  test('the settings themselves, and what environments commonly hold, are not', () => {
    const common = `PATH HOME USER SHELL LANG LANGUAGE LC_ALL LC_TIME TERM TERMINFO PWD OLDPWD SHLVL LOGNAME HOSTNAME HOSTTYPE OSTYPE MACHTYPE MAIL EDITOR VISUAL
      PAGER TMPDIR TMP TEMP TZ DISPLAY XAUTHORITY XDG_DATA_DIRS XDG_DATA_HOME XDG_RUNTIME_DIR XDG_SESSION_ID DBUS_SESSION_BUS_ADDRESS SSH_AUTH_SOCK SSH_CLIENT SSH_TTY
      SUDO_USER SUDO_UID COLORTERM COLUMNS LINES LS_COLORS NODE_ENV NODE_OPTIONS NODE_PATH NODE_COMPILE_CACHE NPM_CONFIG_CACHE PNPM_HOME INIT_CWD CI DEBUG VERSION
      PGDATA PGSERVICE PGSERVICEFILE PGPASSFILE PGOPTIONS PGAPPNAME PGHOSTADDR PGSSLCERT PGSSLKEY PGSSLCRL PGSSLROOTCERT PGTZ PGDATESTYLE PGCLIENTENCODING PGCONNECT_TIMEOUT
      POSTGRES_USER POSTGRES_PASSWORD POSTGRES_DB POSTGRES_PORT DB_SERVICE_HOST DB_PORT_5432_TCP KUBERNETES_PORT KUBERNETES_SERVICE_HOST HTTP_PROXY NO_PROXY
      MEGACACHE_ALL_TESTS TURBO_TELEMETRY_DISABLED LD_PRELOAD LD_LIBRARY_PATH UV_THREADPOOL_SIZE OMP_NUM_THREADS GOMAXPROCS JAVA_HOME VIRTUAL_ENV WINDOWID PORTS HOSTS SORT POST`
    const names = [...common.split(/\s+/), ...Object.keys(settings), 'port', 'host', 'threds', 'npm_config_loglevel', '_', '']
    expect(misspeltSettings(Object.fromEntries(names.map((name) => [name, '1'])))).toEqual([])
  })
})
