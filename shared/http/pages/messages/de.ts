/**
 * Every text of the pages in German. `{name}` stands for a value.
 */

import type { Messages } from '../messages.ts'

export const german: Messages = {
  'consent.heading': 'Damit kann die Anwendung',
  'consent.audience': '{audience} in Ihrem Namen benutzen',
  'scope.openid': 'wissen, wer Sie sind',
  'scope.openid.detail': 'Sie erfährt die Kennung Ihres Kontos.',
  'scope.profile': 'Ihren Namen und Ihr Profil sehen',
  'scope.profile.detail': 'Ihren Namen und weitere Angaben Ihres Profils.',
  'scope.email': 'Ihre E-Mail-Adresse sehen',
  'scope.email.detail': 'Und ob sie bestätigt ist.',
  'scope.phone': 'Ihre Telefonnummer sehen',
  'scope.phone.detail': 'Und ob sie bestätigt ist.',
  'scope.address': 'Ihre Postanschrift sehen',
  'scope.address.detail': 'So wie sie in Ihrem Profil steht.',
  'scope.offline_access': 'verbunden bleiben, während Sie nicht da sind',
  'scope.offline_access.detail': 'Sie muss Sie nicht wieder fragen, bis der Zugriff endet oder zurückgenommen wird.',
}
