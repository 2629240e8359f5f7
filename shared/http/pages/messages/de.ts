/**
 * Every text of the pages in German. `{name}` stands for a value.
 */

import type { Messages } from '../messages.ts'

export const german: Messages = {
  'page.nameless': 'Anmeldung',
  'page.developers': 'Für Entwickler',
  'page.support': 'Hilfe zu {application}',
  'page.request': 'Wenn Sie Hilfe brauchen, nennen Sie diese Anfrage:',
  'time.minute': 'eine Minute',
  'time.minutes': '{count} Minuten',
  'time.hours': '{count} Stunden',

  'code.title': 'Code eingeben',
  'code.title.again': 'Code noch einmal eingeben',
  'code.heading': 'Ein Gerät verbinden',
  'code.lead': 'Ihr Gerät zeigt einen kurzen Code. Geben Sie ihn hier ein.',
  'code.lead.prefilled': 'Fahren Sie fort, wenn Ihr Gerät diesen Code zeigt.',
  'code.label': 'Code auf Ihrem Gerät',
  'code.hint': 'Acht Buchstaben, wie WDJB-MJHT. Kleinbuchstaben gehen auch, und der Strich darf fehlen.',
  'code.submit': 'Weiter',
  'code.unknown':
    'Den Code {code} kennen wir nicht. Vergleichen Sie ihn mit dem auf Ihrem Gerät und geben Sie ihn noch einmal ein.',
  'code.length': '{code} ist kein Code: Ein Code hat acht Buchstaben. Geben Sie ihn noch einmal ein.',
  'code.alphabet':
    '{code} ist kein Code: {characters} kommt darin nie vor. Ein Code hat keine Vokale, kein Y und keine Ziffern. Geben Sie ihn noch einmal ein.',
  'code.used': 'Dieser Code ist schon benutzt. Lassen Sie sich von Ihrem Gerät einen neuen geben.',
  'code.expired': 'Dieser Code ist zu alt. Lassen Sie sich von Ihrem Gerät einen neuen geben.',
  'code.missing': 'Geben Sie den Code ein, den Ihr Gerät zeigt.',

  'question.heading': '{client} verbinden?',
  'question.lead': 'Die Anwendung möchte {application} in Ihrem Namen benutzen.',
  'question.compare': 'Ihr Gerät muss denselben Code zeigen',
  'question.when': 'Begonnen',
  'question.when.now': 'gerade eben',
  'question.when.minute': 'vor einer Minute',
  'question.when.minutes': 'vor {count} Minuten',
  'question.where': 'Von',
  'question.where.same': 'Das Netz, in dem Sie sind.',
  'question.where.other':
    'Nicht das Netz, in dem Sie sind: zu erwarten bei einem Server, oder wenn Sie mobile Daten nutzen.',
  'question.warning':
    'Stimmen Sie nur zu, wenn Sie das gerade selbst begonnen haben. Hat Ihnen jemand den Code oder den Link gegeben, lehnen Sie ab.',
  'question.approve': 'Zustimmen',
  'question.deny': 'Ablehnen',
  'question.next': 'Wenn Sie zustimmen, melden Sie sich als Nächstes bei {provider} an.',

  'client.title': 'Bei {client} anmelden?',
  'client.lead': 'Ein Programm, das sich {client} nennt, möchte {application} in Ihrem Namen benutzen.',
  'client.toProgram': 'Ihre Antwort geht an ein Programm auf diesem Rechner, unter {host}.',
  'client.toApp': 'Ihre Antwort geht an die App, die Adressen mit dem Anfang {scheme} öffnet.',
  'client.toSite': 'Ihre Antwort geht an {host}.',
  'client.warning':
    'Stimmen Sie nur zu, wenn Sie das gerade selbst in {client} begonnen haben. Ein anderes Programm könnte den Namen benutzen.',

  'post.title': 'Zurück zur Anwendung',
  'post.explanation': 'Wenn nichts geschieht, drücken Sie die Taste.',
  'post.submit': 'Weiter',

  'consent.heading': 'Sie kann dann',
  'consent.audience': '{audience} in Ihrem Namen benutzen',
  'scope.openid': 'Wissen, wer Sie sind',
  'scope.openid.detail': 'Sie erfährt die Kennung Ihres Kontos.',
  'scope.profile': 'Ihren Namen und Ihr Profil sehen',
  'scope.profile.detail': 'Ihren Namen und weitere Angaben Ihres Profils.',
  'scope.email': 'Ihre E-Mail-Adresse sehen',
  'scope.email.detail': 'Und ob sie bestätigt ist.',
  'scope.phone': 'Ihre Telefonnummer sehen',
  'scope.phone.detail': 'Und ob sie bestätigt ist.',
  'scope.address': 'Ihre Postanschrift sehen',
  'scope.address.detail': 'So wie sie in Ihrem Profil steht.',
  'scope.offline_access': 'Verbunden bleiben, während Sie nicht da sind',
  'scope.offline_access.detail': 'Sie muss Sie nicht wieder fragen, bis der Zugriff endet oder zurückgenommen wird.',

  'connected.title': 'Verbunden',
  'connected.heading': '{client} ist verbunden',
  'connected.person': 'Sie sind angemeldet als {person}.',
  'connected.next': 'Sie können dieses Fenster schließen und zu Ihrem Gerät zurückkehren.',
  'denied.title': 'Nicht verbunden',
  'denied.heading': '{client} ist nicht verbunden',
  'denied.explanation': 'Sie haben abgelehnt, also gibt es keinen Zugriff. Der Code ist nicht mehr gültig.',
  'denied.next': 'Sie können dieses Fenster schließen.',
  'throttled.title': 'Zu viele Versuche',
  'throttled.explanation': 'Mehrere Codes nacheinander waren falsch. Deshalb machen wir eine Pause.',
  'throttled.next':
    'Warten Sie {time} und geben Sie dann den Code ein, den Ihr Gerät zeigt. Ein Link oder QR-Code Ihres Geräts geht sofort.',

  'unknownApplication.title': 'Hier ist nichts',
  'unknownApplication.explanation': 'Unter dieser Adresse gibt es keine Anmeldung.',
  'unknownApplication.advice':
    'Prüfen Sie die Adresse auf Tippfehler, oder kehren Sie zu der Anwendung oder dem Gerät zurück, von dem Sie kommen.',
  'badRequest.title': 'Dieser Link funktioniert nicht',
  'badRequest.explanation': 'Diese Anfrage können wir nicht beantworten.',
  'badRequest.advice': 'Kehren Sie zu der Anwendung oder dem Gerät zurück, von dem Sie kommen, und beginnen Sie neu.',
  'setup.explanation': 'Die Anwendung, von der Sie kommen, ist nicht richtig eingerichtet.',
  'setup.advice': 'Sie haben nichts falsch gemacht. Bitte sagen Sie es denen, die diese Anwendung betreiben.',
  'lost.title': 'Bitte beginnen Sie neu',
  'lost.explanation':
    'Ihre Anmeldung ist uns verloren gegangen. Vielleicht hat sie zu lange gedauert oder in einem anderen Fenster oder Browser begonnen, oder Ihr Browser speichert keine Cookies.',
  'lost.advice': 'Kehren Sie zu der Anwendung oder dem Gerät zurück und melden Sie sich von dort aus an.',
  'lost.advice.code': 'Geben Sie den Code auf Ihrem Gerät noch einmal ein.',
  'codeExpired.title': 'Der Code ist zu alt',
  'codeExpired.explanation': 'Ihre Anmeldung hat geklappt, aber der Code auf Ihrem Gerät ist inzwischen abgelaufen.',
  'codeExpired.advice': 'Nichts wurde verbunden. Lassen Sie sich von Ihrem Gerät einen neuen Code geben.',
  'codeUsed.title': 'Der Code ist schon benutzt',
  'codeUsed.explanation':
    'Jemand hat für diesen Code schon geantwortet, vielleicht Sie selbst in einem anderen Fenster.',
  'codeUsed.advice': 'Sehen Sie auf Ihr Gerät. Wartet es noch, lassen Sie sich einen neuen Code geben.',
  'unavailable.title': 'Die Anmeldung ist nicht erreichbar',
  'unavailable.explanation': 'Wir können den Anmeldedienst gerade nicht erreichen.',
  'unavailable.advice': 'Nichts ist verloren. Warten Sie {time} und versuchen Sie es noch einmal.',
  'refused.title': 'Sie sind nicht angemeldet',
  'refused.explanation': 'Die Anmeldung wurde abgebrochen, oder der Anmeldedienst hat Sie nicht hereingelassen.',
  'refused.advice':
    'Haben Sie selbst abgebrochen, schließen Sie dieses Fenster. Wenn nicht, bitten Sie die Betreiber von {application} um Zugang.',
  'unexpected.title': 'Die Anmeldung hat nicht geklappt',
  'unexpected.explanation': 'Die Antwort des Anmeldedienstes war nicht die erwartete.',
  'unexpected.advice': 'Nichts wurde verbunden. Kehren Sie dorthin zurück, woher Sie kommen, und beginnen Sie neu.',
  'unexpected.advice.wait': 'Nichts wurde verbunden. Warten Sie {time} und beginnen Sie neu.',
  'fault.title': 'Etwas ist schiefgegangen',
  'fault.explanation': 'Das war unser Fehler, nicht Ihrer.',
  'fault.advice': 'Bitte versuchen Sie es noch einmal. Geht es wieder schief, bitten Sie um Hilfe.',
  'wayOut.enterCode': 'Code eingeben',
  'wayOut.newCode': 'Neuen Code eingeben',
}
